/** @file What the bundler makes of style sheets: their text, minified. */
declare module '*.css?inline' {
  const text: string;
  export default text;
}

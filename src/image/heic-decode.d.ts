/**
 * @file Types of `heic-decode`, which ships none.
 */

declare module 'heic-decode' {
  interface HeicPicture {
    width: number;
    height: number;
    /** Interleaved RGBA. */
    data: Uint8ClampedArray;
  }
  export type HeicImages = {
    width: number;
    height: number;
    decode(): Promise<HeicPicture>;
  }[] & { dispose(): void };

  interface Decode {
    (options: { buffer: Uint8Array }): Promise<HeicPicture>;
    /** Headers of all pictures; pixels on demand. `dispose` frees the decoder's memory. */
    all(options: { buffer: Uint8Array }): Promise<HeicImages>;
  }
  const decode: Decode;
  export default decode;
}

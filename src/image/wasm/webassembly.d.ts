/**
 * @file The part of the WebAssembly API that is used here: TypeScript describes it only in its browser library,
 * which would bring every other browser name with it.
 */

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: object;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
}

/**
 * @file Memory of one's own for a WebAssembly module: what `src/image/wasm/webassembly.d.ts` leaves out.
 */

declare namespace WebAssembly {
  const Memory: new (descriptor: { initial: number; maximum?: number }) => Memory;
}

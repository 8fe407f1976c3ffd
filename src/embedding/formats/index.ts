/** @file Files of embeddings: what may be used from outside. The formats themselves are reached through these. */
export { jsonlLine } from './jsonl.js';
export { type Embeddings, formatFromPath, readEmbeddings, scanEmbeddings } from './read.js';
export type { EmbeddingRow, EmbeddingScan, OutputFormat, RowInfo } from './row.js';
export { type EmbeddingWriter, openWriter, type WriterOptions } from './writer.js';

/** @file The embedding room's public names. */

export { type CacheState, type Diagnosis, diagnose } from './diagnosis.js';
export {
  type EmbedFileOptions,
  type EmbedRunOptions,
  type EmbedSources,
  type EmbedSummary,
  embedTo,
  embedToFile,
  type RowSink,
} from './embed-files.js';
export {
  type EmbedArrayOptions,
  Embedder,
  type EmbedderOptions,
  type EmbedOptions,
  type ImageItem,
  loadEmbedder,
} from './embedder.js';
export {
  type EmbeddingRow,
  type EmbeddingScan,
  type Embeddings,
  type EmbeddingWriter,
  formatFromPath,
  jsonlLine,
  type OutputFormat,
  openWriter,
  type RowInfo,
  readEmbeddings,
  scanEmbeddings,
  type WriterOptions,
} from './formats/index.js';
export { assertSameIdentity, type EmbeddingIdentity, sameIdentity } from './identity.js';
export {
  comparePrecisions,
  type PrecisionOptions,
  type PrecisionReport,
  type PrecisionRow,
} from './precision-report.js';
export { type ProjectFileOptions, projectFile } from './project-file.js';
export { loadProjection, Projection, type SavedProjection, saveProjection } from './projection.js';
export {
  type Embedded,
  EmbeddingError,
  type EmbeddingResult,
  type Failed,
  isFailed,
  type Progress,
} from './results.js';
export { SAMPLES, type SelfCheck, selfTest } from './self-test.js';
export { countTexts, type TextItem, textLines } from './texts.js';
export {
  type Choice,
  captionBank,
  classify,
  LABEL_TEMPLATES,
  type LabelBankOptions,
  labelBank,
  type NoneOfThese,
  type TextBank,
} from './zero-shot.js';

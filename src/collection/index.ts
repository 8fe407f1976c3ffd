/** @file The collection room's public names. */

export { Collection, type CollectionOptions, openCollection } from './collection.js';
export { type Cell, type Column, type ColumnType, ITEM_COLUMNS, type Values } from './columns.js';
export { type ExportOptions, type ExportSummary, exportCollection } from './export.js';
export { allOf, type Filter, type Operand } from './filter.js';
export type { Near } from './geo.js';
export { type ImportOptions, type ImportSummary, importVectors } from './import.js';
export { type IndexOptions, type IndexSummary, indexFolder, type SpaceSummary } from './index-folder.js';
export { type CollectionInfo, type ColumnInfo, collectionInfo, failuresOf, type SpaceInfo } from './info.js';
export { type LabelItemsOptions, type LabelledItem, labelItems } from './label-items.js';
export { COLLECTION_FOLDER, collectionAt } from './locate.js';
export type { IndexQuality, SavedEmbedder, Space } from './manifest.js';
export type { MetadataReport } from './metadata.js';
export { parseQuery, type Query, type QueryTerm } from './query.js';
export { type SearchHit, type SearchResult, search, similar } from './search.js';
export type { SearchOptions } from './search-options.js';
export type {
  NearestOptions,
  RowBatch,
  ScanOptions,
  Selection,
  Store,
  StoreHit,
  TableSpec,
  VectorIndex,
  VectorTable,
} from './store.js';
export { type WatchOptions, watchFolder } from './watch.js';
export { parseWhere } from './where.js';

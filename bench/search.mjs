// Searching: exact and approximate, whole processes, folders that change, text and pictures by one another. The data of some
// parts (AFTERIMAGE_DATA, or ../shared) is not part of the project.
import { inParts } from './parts.mjs';

export const title = 'Collections: search, indexing, exact neighbours';
const PARTS = {
  exact: ['exact', 'exact'],
  store: ['store', 'store'],
  peers: ['store', 'storePeers'],
  cold: ['cold', 'cold'],
  incremental: ['incremental', 'incremental'],
  recall: ['recall', 'recall'],
};
export const parts = Object.keys(PARTS);
export const run = inParts('search', PARTS);

// Analysis: clusters, maps, neighbours, duplicates, and how good the answers are on real pictures. The data of some parts
// (AFTERIMAGE_DATA, or ../shared) is not part of the project.
import { inParts } from './parts.mjs';

export const title = 'Analysis: clusters, maps, duplicates, classes, prices';
const PARTS = {
  kmeans: ['kmeans', 'kmeans'],
  umap: ['umap', 'umap'],
  neighbours: ['neighbours', 'neighbours'],
  duplicates: ['duplicates', 'duplicates'],
  classes: ['classes', 'classes'],
  clusters: ['clusters', 'clusters'],
  houses: ['houses', 'houses'],
};
export const parts = Object.keys(PARTS);
export const run = inParts('analysis', PARTS);

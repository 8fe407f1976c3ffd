/** @file The metrics' public names. */

export type { Vectors } from '../../embedding/vectors.js';
export { type FewShotAccuracy, type FewShotOptions, fewShotAccuracy } from './few-shot.js';
export { type ImageShape, psnr, ssim } from './images.js';
export { type Clustering, type KMeansOptions, kMeans } from './kmeans.js';
export {
  adjustedMutualInformation,
  type NmiOptions,
  nmi,
  normalizedMutualInformation,
} from './mutual-information.js';
export { type NearestOptions, nearest } from './nearest.js';
export { nearestNeighbourAccuracy, type Retrieval, type RetrievalOptions, retrieval } from './retrieval.js';
export { pairMetrics, retrievalMetrics, type SummaryOptions, tripletMetrics } from './summary.js';

/** @file The public names of what works on bare vectors. */
export {
  type ApproximateNearest,
  type ApproximateNeighbourOptions,
  approximateNeighbourGraph,
  graphRecall,
} from './approximate-neighbours.js';
export {
  type Classifier,
  type ClassifierMethod,
  type ClassifierOptions,
  fitClassifier,
  loadClassifier,
  METHODS as CLASSIFIER_METHODS,
} from './classify/classifier.js';
export { type Clustering, type KMeansOptions, kMeans } from './cluster/kmeans.js';
export { ExactSearch, type ExactSearchOptions, type Nearest, neighbourGraph } from './exact-search.js';
export { type FoldOptions, foldOf, folds } from './folds.js';
export {
  type BootstrapOptions,
  bootstrap,
  bootstrapMean,
  type Estimate,
  quantile,
} from './metrics/bootstrap.js';
export {
  type ClassificationOptions,
  type ClassificationReport,
  type ClassReport,
  classificationReport,
  confusionMatrix,
  type ReliabilityBin,
} from './metrics/classification.js';
export { type FewShotAccuracy, type FewShotOptions, fewShotAccuracy } from './metrics/few-shot.js';
export {
  adjustedMutualInformation,
  type NmiOptions,
  nmi,
  normalizedMutualInformation,
} from './metrics/mutual-information.js';
export {
  nearestNeighbourAccuracy,
  type Retrieval,
  type RetrievalOptions,
  retrieval,
} from './metrics/retrieval.js';
export { pairMetrics, retrievalMetrics, type SummaryOptions, tripletMetrics } from './metrics/summary.js';
export { type NearestOptions, nearest } from './nearest.js';
export { type Neighbour, nearestNeighbours, nearestTo } from './neighbours.js';
export { cosineSimilarity, normalizeRows, type Vectors } from './vectors.js';

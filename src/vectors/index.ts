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
export {
  type AgglomerativeOptions,
  agglomerative,
  cutTree,
  type Dendrogram,
  type Linkage,
} from './cluster/agglomerative.js';
export { type ChooseKOptions, chooseK, type KCandidate, type KChoice } from './cluster/choose-k.js';
export { type DensityClustering, type HdbscanOptions, hdbscan } from './cluster/hdbscan.js';
export { type Clustering, type KMeansOptions, kMeans } from './cluster/kmeans.js';
export { ExactSearch, type ExactSearchOptions, type Nearest, neighbourGraph } from './exact-search.js';
export { type FoldOptions, foldOf, folds } from './folds.js';
export { confidentMistakes, type Mistake } from './label-mistakes.js';
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
export { adjustedRandIndex, purity, type VMeasure, vMeasure } from './metrics/clustering.js';
export { calinskiHarabasz, daviesBouldin } from './metrics/clustering-shape.js';
export {
  type CrossModalRanks,
  crossModalRanks,
  firstRanks,
  type RankSummary,
  rankSummary,
} from './metrics/cross-modal.js';
export { type FewShotAccuracy, type FewShotOptions, fewShotAccuracy } from './metrics/few-shot.js';
export { type MapQuality, type MapQualityOptions, mapQuality } from './metrics/map.js';
export {
  adjustedMutualInformation,
  type NmiOptions,
  nmi,
  normalizedMutualInformation,
} from './metrics/mutual-information.js';
export { knnHits, linearProbe, type ProbeOptions, type ProbeResult } from './metrics/probe.js';
export {
  type RankedQueries,
  type RankingMeasure,
  type RankingOptions,
  ranking,
  rankingEstimates,
} from './metrics/ranking.js';
export {
  type RegressionMetrics,
  regressionDifference,
  regressionIntervals,
  regressionMetrics,
} from './metrics/regression.js';
export {
  nearestNeighbourAccuracy,
  type Retrieval,
  type RetrievalOptions,
  retrieval,
} from './metrics/retrieval.js';
export { type Silhouette, type SilhouetteOptions, silhouette } from './metrics/silhouette.js';
export { pairMetrics, retrievalMetrics, type SummaryOptions, tripletMetrics } from './metrics/summary.js';
export { type NearestOptions, nearest } from './nearest.js';
export { type Neighbour, nearestNeighbours, nearestTo } from './neighbours.js';
export {
  localOutlierFactor,
  meanDistance,
  type NeighbourDistances,
  neighbourDistances,
  type OutlierOptions,
  outlierBound,
} from './outliers.js';
export {
  type BinaryVectors,
  dequantizeInt8,
  type Int8Vectors,
  neighbourRecall,
  quantizeBinary,
  quantizeInt8,
  type RecallOptions,
  signs,
} from './quantize.js';
export { type PrincipalComponents, principalComponents, projectVector } from './reduce/pca.js';
export { type RandomizedOptions, randomizedComponents } from './reduce/pca-randomized.js';
export { type TsneOptions, tsne, tsneDivergence } from './reduce/tsne.js';
export { type FittedMap, placeInMap, type UmapOptions, umap } from './reduce/umap.js';
export { CrossConformal, type Interval } from './regress/conformal.js';
export { fitEach, fitRegressor } from './regress/fit.js';
export { loadRegressor } from './regress/fitted.js';
export {
  REGRESSION_METHODS,
  type RegressionMethod,
  type Regressor,
  type RegressorOptions,
} from './regress/regressor.js';
export { coreSet, medoids, type Representatives } from './representatives.js';
export { cosineSimilarity, normalizeRows, type Vectors } from './vectors.js';

/** @file The analysis room's public names. */

export { type Move, movesScript } from '../pages/moves-script.js';
export {
  type EvaluateHeadOptions,
  evaluateHead,
  type FitHeadOptions,
  fitHead,
  type HeadEvaluation,
} from './classify.js';
export type { Candidate, ClassScore } from './classify-candidates.js';
export {
  type CrossValidation,
  type CrossValidationOptions,
  crossValidate,
  type Tried,
} from './classify-cv.js';
export { Head, type HeadSummary, loadHead } from './classify-head.js';
export { splitOf } from './classify-items.js';
export { type Prediction, type PredictOptions, predict, type TrainingNeighbour } from './classify-predict.js';
export type { Novelty, TrainingImages } from './classify-training-images.js';
export {
  CLUSTER_METHODS,
  type Cluster,
  type ClusterMethod,
  type ClusterOptions,
  type ClusterReport,
  clusterSet,
} from './cluster.js';
export type { ClusterMembers } from './cluster-members.js';
export { type ClusterName, type NameOptions, nameClusters } from './cluster-names.js';
export type { Agreement, ClusterQuality } from './cluster-quality.js';
export { clusterColumns, clusterTitle, notesOf, writeClusters } from './cluster-sheet.js';
export { type ComparedModel, type CompareOptions, type Comparison, compareModels } from './compare.js';
export { comparisonPage, comparisonRows } from './compare-report.js';
export type { ComparedMeasure } from './compare-scores.js';
export {
  type DuplicateGroup,
  type DuplicateKind,
  type DuplicateMember,
  type DuplicateOptions,
  type DuplicateProgress,
  type Duplicates,
  findDuplicates,
} from './duplicates.js';
export type { Calibration, MadeCopy, NearRule } from './duplicates-calibration.js';
export { rememberNotDuplicates } from './duplicates-memory.js';
export { type MovesDone, moveDuplicates, planMoves, undoMoves } from './duplicates-moves.js';
export { type ReviewOptions, writeDuplicatesPage } from './duplicates-review.js';
export { rootOf } from './duplicates-splits.js';
export { type EvaluateOptions, type Evaluation, evaluateSet } from './evaluate.js';
export type { ItemOptions } from './items.js';
export { MAP_METHODS, type MapMethod, type MapOptions, mapSet, type SetMap, saveMap } from './map.js';
export { type WriteMapOptions, type WrittenMap, writeMap } from './map-page.js';
export {
  type DoubtfulLabel,
  type FindMistakesOptions,
  findMistakes,
  type MistakeReport,
} from './mistakes.js';
export { type OpenOptions, openVectorSet } from './open.js';
export {
  type FindOutliersOptions,
  findOutliers,
  OUTLIER_METHODS,
  type Outlier,
  type OutlierMethod,
  type OutlierReport,
  type Unique,
  uniqueness,
} from './outliers.js';
export {
  measureSavings,
  REDUCTIONS,
  type Reduced,
  type ReduceOptions,
  type ReductionMethod,
  reduceSet,
  type Saving,
  savePca,
} from './reduce.js';
export { writeQuantized, writeReduced } from './reduce-files.js';
export { type FitRegressionOptions, fitRegression } from './regress.js';
export type { RegressionCandidate } from './regress-candidates.js';
export type { TriedRegression } from './regress-cv.js';
export type { RegressionInput } from './regress-items.js';
export {
  type EvaluateRegressionOptions,
  type ExampleNeighbour,
  evaluateRegression,
  type NumberPrediction,
  type PredictNumbersOptions,
  predictNumbers,
  type RegressionEvaluation,
} from './regress-predict.js';
export {
  type Coverage,
  type Examples,
  loadRegression,
  Regression,
  type RegressionReport,
  type RegressionSummary,
} from './regression.js';
export { type Representative, type RepresentativeOptions, representatives } from './representative.js';
export type { Score, ScorePart } from './score.js';
export { groupsOf, type Labels, labelsOf, numbersOf } from './targets.js';
export { type FilledColumn, type VectorOrigin, VectorSet } from './vector-set.js';

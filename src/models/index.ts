/** @file The models' public names. */
export type { Architecture, OutputName, PublisherConfig, TensorShapes } from './architecture.js';
export { architectures } from './architectures.js';
export { bindWeights, type LoadModelOptions, loadModel } from './load.js';
export type { ImageTower, LoadedModel, TextTower, TowerOptions } from './loaded-model.js';
export { type Located, type LocateOptions, locateModel } from './locate.js';
export { type EncodedTexts, loadTokenizer, type TextTokenizer, type TokenizerOptions } from './tokenizer.js';
export {
  openWeights,
  readTensor,
  type TensorInfo,
  type WeightSource,
  writeSafetensors,
} from './weights/index.js';

/** @file The models' public names. */
export type { Architecture, OutputName, PublisherConfig, TensorShapes } from './architecture.js';
export { architectures, siamese } from './architectures.js';
export {
  type AutoencoderConfig,
  type AutoencoderStep,
  autoencoder,
  autoencoderConfig,
  autoencoderJson,
  decoderGraph,
  referenceAutoencoder,
  trainingForm,
} from './autoencoder.js';
export type { Backbone } from './backbone.js';
export { BACKBONES, type BackboneOptions, backboneConfig, type RandomBackbone } from './backbones.js';
export { type Exported, type ExportOptions, exportOnnx } from './export.js';
export { bindWeights, type LoadModelOptions, loadModel } from './load.js';
export type { ImageTower, LoadedModel, Network, TextTower, TowerOptions } from './loaded-model.js';
export { type Located, type LocateOptions, locateModel } from './locate.js';
export { type OnnxHead, withHead } from './onnx-head.js';
export {
  preprocessorConfig,
  resizedTransform,
  type TransformToOptions,
  transformTo,
} from './preprocessing.js';
export {
  type ModelFolder,
  type SavedTensor,
  type SaveOptions,
  saveModel,
  saveProjectionFolder,
} from './save.js';
export {
  BACKBONE_PREFIX,
  type Head,
  headGraph,
  type SiameseConfig,
  siameseConfig,
  siameseJson,
} from './siamese.js';
export { type EncodedTexts, loadTokenizer, type TextTokenizer, type TokenizerOptions } from './tokenizer.js';
export {
  openWeights,
  readTensor,
  type TensorInfo,
  type WeightSource,
  writeSafetensors,
} from './weights/index.js';
export { type Facts, type ModelCardContent, modelCard } from './write-model-card.js';

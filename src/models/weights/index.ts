/**
 * @file Weights on disk: opening, reading, converting and writing. Held back: header parsing and hashing, which are
 * steps of {@link openWeights}.
 */
export { DTYPE_BYTES, type Dtype, toFloat16, toFloat32 } from './dtype.js';
export {
  findTensor,
  openWeights,
  readTensor,
  type TensorInfo,
  type WeightSource,
} from './safetensors.js';
export { type TensorData, writeSafetensors } from './write.js';

// Steps a network with TensorFlow.js on its WebAssembly backend. node train-tfjs.mjs TASK PX THREADS; protocol as
// train-pytorch.py. The backend has no kernel for the gradient of a convolution's weight: it is composed here of slices and
// matrix products, which is what makes training possible on it at all.
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';

const [task, px] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}${path.sep}`);
await tf.setBackend('wasm');
await tf.ready();

tf.registerKernel({
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'wasm',
  kernelFunc({ inputs: { x, dy }, attrs: { strides, pad, filterShape } }) {
    const [kh, kw, c, o] = filterShape;
    const s = Array.isArray(strides) ? strides[0] : strides;
    const wrap = (t) => tf.engine().makeTensorFromTensorInfo(t);
    return tf.tidy(() => {
      const [n, h] = x.shape;
      const [, oh, ow] = dy.shape;
      const total = Math.max(0, (oh - 1) * s + kh - h);
      const before =
        typeof pad === 'string' ? (pad === 'same' ? Math.floor(total / 2) : 0) : (pad[1]?.[0] ?? pad);
      const after = Math.max(0, (oh - 1) * s + kh - h - before);
      const padded = tf.pad(wrap(x), [
        [0, 0],
        [before, after],
        [before, after],
        [0, 0],
      ]);
      const rows = wrap(dy).reshape([n * oh * ow, o]);
      const taps = [];
      for (let i = 0; i < kh; i++)
        for (let j = 0; j < kw; j++) {
          const end = [n, i + s * (oh - 1) + 1, j + s * (ow - 1) + 1, c];
          const met = tf.stridedSlice(padded, [0, i, j, 0], end, [1, s, s, 1]).reshape([n * oh * ow, c]);
          taps.push(tf.matMul(met.transpose(), rows)); // turning first is 30 times faster than transposeA
        }
      return tf.stack(taps).reshape([kh, kw, c, o]);
    });
  },
});

const weights = [];
function weight(shape, low, high) {
  const variable = tf.variable(tf.randomUniform(shape, low, high));
  weights.push(variable);
  return variable;
}
function filter(shape) {
  const bound = 1 / Math.sqrt(shape[0] * shape[1] * shape[2]);
  return weight(shape, -bound, bound);
}

function autoencoder() {
  const x = tf.randomUniform([32, 64, 64, 3]);
  const [a, b] = [filter([3, 3, 3, 16]), filter([3, 3, 16, 32])];
  const [c, d] = [filter([3, 3, 16, 32]), filter([3, 3, 3, 16])];
  const biases = [16, 32, 16, 3].map((n) => weight([n], 0, 0.01));
  return () => {
    let y = tf.relu(tf.add(tf.conv2d(x, a, 2, 'same'), biases[0]));
    y = tf.relu(tf.add(tf.conv2d(y, b, 2, 'same'), biases[1]));
    y = tf.relu(tf.add(tf.conv2dTranspose(y, c, [32, 32, 32, 16], 2, 'same'), biases[2]));
    y = tf.sigmoid(tf.add(tf.conv2dTranspose(y, d, [32, 64, 64, 3], 2, 'same'), biases[3]));
    return tf.mean(tf.square(tf.sub(y, x)));
  };
}

function head() {
  const [a, b] = [tf.randomUniform([256, 1000]), tf.randomUniform([256, 1000])];
  const same = tf.round(tf.randomUniform([256]));
  const w = weight([1000, 128], -0.03, 0.03);
  const bias = weight([128], 0, 0.01);
  return () => {
    const embed = (x) => tf.add(tf.matMul(x, w), bias);
    const squared = tf.sum(tf.square(tf.sub(embed(a), embed(b))), 1);
    const apart = tf.square(tf.relu(tf.sub(1, tf.sqrt(tf.add(squared, 1e-12)))));
    return tf.mean(tf.add(tf.mul(same, squared), tf.mul(tf.sub(1, same), apart)));
  };
}

function resnet18() {
  const x = tf.randomUniform([16, Number(px), Number(px), 3]);
  const target = tf.oneHot(
    Array.from({ length: 16 }, (_, i) => (i * 37) % 1000),
    1000,
  );
  const norm = (n) => {
    const [scale, offset] = [weight([n], 0.9, 1.1), weight([n], -0.1, 0.1)];
    return (v) => {
      const { mean, variance } = tf.moments(v, [0, 1, 2]);
      return tf.batchNorm(v, mean, variance, offset, scale, 1e-5);
    };
  };
  const conv = (k, i, o, s) => {
    const [w, bn] = [filter([k, k, i, o]), norm(o)];
    const p = k >> 1;
    const padding = p
      ? [
          [0, 0],
          [p, p],
          [p, p],
          [0, 0],
        ]
      : 'valid';
    return (v) => bn(tf.conv2d(v, w, s, padding, 'NHWC', [1, 1], p ? 'floor' : undefined));
  };
  const stem = conv(7, 3, 64, 2);
  const blocks = [64, 128, 256, 512].flatMap((o, stage) =>
    [0, 1].map((b) => {
      const [i, s] = b === 0 && stage > 0 ? [o / 2, 2] : [o, 1];
      const [first, second] = [conv(3, i, o, s), conv(3, o, o, 1)];
      const shortcut = s > 1 ? conv(1, i, o, 2) : (v) => v;
      return (v) => tf.relu(tf.add(second(tf.relu(first(v))), shortcut(v)));
    }),
  );
  const w = weight([512, 1000], -0.04, 0.04);
  const bias = weight([1000], 0, 0.01);
  return () => {
    let y = tf.maxPool(tf.relu(stem(x)), 3, 2, 'same');
    for (const block of blocks) y = block(y);
    const logits = tf.add(tf.matMul(tf.mean(y, [1, 2]), w), bias);
    return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(logits)), 1)));
  };
}

const loss = { autoencoder, head, resnet18 }[task]();
const optimizer = tf.train.adam(1e-3);
async function step() {
  const value = optimizer.minimize(loss, true, weights);
  await value.data();
  value.dispose();
}
await step();
console.log(JSON.stringify({ ready: tf.version.tfjs }));
for await (const line of createInterface({ input: process.stdin })) {
  const seconds = [];
  for (let i = 0; i < JSON.parse(line); i++) {
    const start = performance.now();
    await step();
    seconds.push((performance.now() - start) / 1000);
  }
  console.log(JSON.stringify({ seconds, peak: process.resourceUsage().maxRSS * 1024 }));
}

/** @file `afterimage models export`. */
import { UsageError } from '../../../errors.js';
import { bytes } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { downloadProgress } from '../../download.js';
import { print } from '../../terminal.js';

export const exportModel = defineCommand({
  name: 'models export',
  usage: 'NAME|FOLDER --out FILE.onnx [--output NAME]',
  summary: 'Writes a model as one .onnx file, which any ONNX runtime runs to the same vectors.',
  details:
    'The file holds the network up to one output, its weights, and how images are prepared for it (in ' +
    'metadata_props). "--model FILE.onnx" opens it here; in Python, onnxruntime.InferenceSession.',
  arity: [1, 1],
  options: {
    out: { type: 'string', short: 'o', value: 'FILE.onnx', help: 'the file to write' },
    output: {
      type: 'string',
      value: 'NAME',
      help: 'which output of the network: cls, pooled, logits, latent, …; by default the model’s own',
    },
    'no-normalize': { type: 'boolean', help: 'leave vectors at the length they come out with' },
    preprocessor: { type: 'boolean', help: 'also write preprocessor_config.json beside it, for other tools' },
    overwrite: { type: 'boolean', help: 'replace files that are there' },
    revision: { type: 'string', value: 'REV', help: 'a branch, tag or commit on the hub' },
    offline: { type: 'boolean', help: 'use only what is on this machine' },
    json: { type: 'boolean', help: 'print JSON' },
  },
  examples: [
    ['afterimage models export ./my-model --out my-model.onnx', 'a model that was trained here'],
    ['afterimage models export resnet50 --out scores.onnx --output logits --no-normalize', 'class scores'],
  ],
  async run({ out, output, overwrite, preprocessor, revision, offline, json, ...values }, [name]) {
    const { exportOnnx } = await import('../../../models/export.js');
    if (out === undefined)
      throw new UsageError('--out: expected the file to write', { hint: 'as in --out model.onnx' });
    const written = await exportOnnx(name!, out, {
      output,
      overwrite,
      preprocessor,
      normalize: !values['no-normalize'],
      ...(revision === undefined ? {} : { revision }),
      ...(offline ? { offline } : {}),
      onDownload: downloadProgress(),
    });
    await print(
      json
        ? JSON.stringify(written)
        : `${written.file}: ${bytes(written.bytes)}, output ${written.output} [N, ${written.shape.join(', ')}]`,
    );
    return 0;
  },
});

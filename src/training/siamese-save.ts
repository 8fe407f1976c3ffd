/**
 * @file Writes a trained Siamese network as a model folder: backbone and head together, so that it needs nothing else.
 */
import { readFile } from 'node:fs/promises';
import { BACKBONE_PREFIX, saveModel, siamese, siameseConfig, siameseJson } from '../models/index.js';
import { withHead } from '../models/onnx-head.js';
import { findOnnx } from '../models/onnx-model.js';
import { cardTitle, described, namedTensors, trainingFacts } from './card.js';
import { readParameters } from './read-parameters.js';
import type { SiameseRun } from './siamese-task.js';
import type { TrainingSummary } from './task.js';

/** Writes the folder with the trained numbers; what was not trained comes from the backbone. */
export async function saveSiamese(
  run: SiameseRun,
  trained: ReadonlyMap<string, Float32Array>,
  summary: TrainingSummary,
): Promise<void> {
  const { options, base, data, objective, head, hidden, batchSize } = run;
  const { backbone, bind, from, model, transform } = base;
  const card = {
    ...trainingFacts(options, data, summary, { loss: described(objective.loss), batchSize }),
    title: cardTitle(options.out),
    summary:
      'A Siamese network trained with Afterimage: one network applied to every image, so that like images lie close ' +
      'together. Compare its vectors by cosine.',
    network: {
      architecture: 'siamese',
      backbone: base.name,
      "the backbone's licence": model ? (model.licence ?? 'not stated') : undefined,
      'the backbone’s output': from,
      trained: String(options.train ?? (options.random ? 'all' : 'head')),
      embedding: head ?? 'the backbone’s output',
      'hidden layer': hidden ?? undefined,
    },
    limits:
      'It tells apart what its training images told apart; for other kinds of likeness it may be worse than its backbone.',
  };
  const config = { model_type: 'afterimage-siamese', from, head, hidden };
  if (!backbone || !bind) {
    const file = (await findOnnx(model!.path))!;
    const tensors = new Map([...trained].map(([name, numbers]) => [name, { data: numbers }]));
    const onnx = withHead(await readFile(file), { file, from, head: { head, hidden }, tensors });
    await saveModel(options.out, { config, transform, card, onnx }, { overwrite: true });
    return;
  }
  const network = siameseConfig({ backbone, from, head, hidden });
  const graph = siamese.image(network);
  const frozen = [...graph.parameters.values()].filter(({ name }) => !trained.has(name));
  const numbers = await readParameters(frozen, (p) =>
    bind({ ...p, name: p.name.slice(BACKBONE_PREFIX.length) }),
  );
  await saveModel(
    options.out,
    {
      config: siameseJson(network),
      tensors: namedTensors(graph, new Map([...numbers, ...trained])),
      transform,
      card,
    },
    { overwrite: true },
  );
}

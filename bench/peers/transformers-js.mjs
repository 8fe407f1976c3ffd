// Embeds files with @huggingface/transformers. node transformers-js.mjs NAME FOLDER THREADS BATCH; protocol as pytorch.py.
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  AutoModel,
  AutoProcessor,
  CLIPVisionModelWithProjection,
  env,
  load_image,
} from '@huggingface/transformers';

const [name, folder, threads, batch] = process.argv.slice(2);
env.allowRemoteModels = false;
env.localModelPath = path.dirname(folder);
const options = {
  dtype: 'fp32',
  device: 'cpu',
  session_options: { intraOpNumThreads: Number(threads), interOpNumThreads: 1 },
};
const id = path.basename(folder);
const processor = await AutoProcessor.from_pretrained(id);
const Model = name === 'clip-vit-b32' ? CLIPVisionModelWithProjection : AutoModel;
const model = await Model.from_pretrained(id, {
  ...options,
  ...(name === 'clip-vit-b32' ? { model_file_name: 'model' } : {}),
});
console.log(JSON.stringify({ ready: `@huggingface/transformers ${env.version}` }));
for await (const line of createInterface({ input: process.stdin })) {
  const files = JSON.parse(line);
  const start = performance.now();
  for (let i = 0; i < files.length; i += Number(batch)) {
    const images = await Promise.all(files.slice(i, i + Number(batch)).map((f) => load_image(f)));
    await model(await processor(images));
  }
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
}

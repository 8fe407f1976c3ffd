// Steps a network with Afterimage. node train-ours.mjs TASK PX THREADS; protocol as train-pytorch.py.
import { createInterface } from 'node:readline';
import { TrainStep } from '../../dist/training/step.js';
import { autoencoderProgram, headProgram, resnetProgram } from '../train-programs.mjs';

const [task, px, threads] = process.argv.slice(2);
const make = {
  autoencoder: () => autoencoderProgram(32),
  head: () => headProgram(256),
  resnet18: () => resnetProgram(16, Number(px)),
  'resnet18 in parts': () => resnetProgram(4, Number(px)),
};
const { program, bind, feeds } = make[task]();
const accumulate = task === 'resnet18 in parts' ? 4 : 1;
const optimizer = { name: 'adam' };
const step = await TrainStep.compile(program, { bind, optimizer, accumulate, threads: Number(threads) });
const parts = Array.from({ length: accumulate }, () => feeds);
const once = () => step.run(parts, 1e-3);
for (let i = 0; i < 3; i++) await once();
console.log(JSON.stringify({ ready: task }));
for await (const line of createInterface({ input: process.stdin })) {
  const seconds = [];
  for (let i = 0; i < JSON.parse(line); i++) {
    const start = performance.now();
    await once();
    seconds.push((performance.now() - start) / 1000);
  }
  console.log(JSON.stringify({ seconds, peak: process.resourceUsage().maxRSS * 1024 }));
}
await step.release();

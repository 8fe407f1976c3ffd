// Appends rows to an output until it is killed; says on stdout which are acknowledged. Started by crash.test.ts.
import { openWriter } from '#src/embedding/formats/index.js';

const [output, format, identity, total] = process.argv.slice(2);
const { dimension } = JSON.parse(identity);
const { writer, done } = await openWriter(output, format, { identity: JSON.parse(identity), resume: true });
let batch = [];
for (let i = 0; i < Number(total); i++) {
  if (!done.has(`row ${i}`))
    batch.push({ id: `row ${i}`, vector: new Float32Array(dimension).fill(i / 8), text: `${i}` });
  if (batch.length === 3 || i === Number(total) - 1) {
    await writer.append(batch);
    process.stdout.write(batch.map(({ id }) => `${id}\n`).join(''));
    batch = [];
  }
}
process.stdout.write('closing\n');
await writer.close();
process.stdout.write('closed\n');

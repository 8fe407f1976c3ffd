// Writes checkpoints one after the other until it is killed or the disk refuses; every number of the nth is n.
// Arguments: the built checkpoint module, the file, how many floats a tensor has.
const [module, file, length] = process.argv.slice(2);
const { writeCheckpoint } = await import(module);
for (let n = 1; ; n++) {
  const filled = () => new Float32Array(Number(length)).fill(n);
  try {
    await writeCheckpoint(file, {
      config: { seed: 1 },
      progress: { n },
      tensors: new Map([['w', filled()]]),
      slots: new Map([['w.exp_avg', filled()]]),
      stepCount: n,
    });
  } catch (error) {
    process.stdout.write(JSON.stringify({ name: error.name, message: error.message, hint: error.hint }));
    process.exit(3);
  }
  if (n === 1) process.stdout.write('written\n');
}

// Runs what bench:onnx_networks wrote with ONNX Runtime:
//
//   node bench/onnxruntime.js compare FOLDER             the largest difference from LibTorch, network by network
//   node bench/onnxruntime.js time FOLDER/NAME.onnx N    windows per second in batches of 64, with N threads
//
// It needs npm's onnxruntime-node, in a folder that $NODE_PATH names:
//
//   mkdir -p /tmp/ort && cd /tmp/ort && ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node
//   export NODE_PATH=/tmp/ort/node_modules
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');

// The tensors of a safetensors file, all of them float32.
function readTensors(file) {
  const bytes = fs.readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const tensors = {};
  for (const [name, {shape, data_offsets: [from, to]}] of Object.entries(JSON.parse(bytes.subarray(8, start)))) {
    if (name === '__metadata__') continue;
    const copy = Uint8Array.from(bytes.subarray(start + from, start + to));
    tensors[name] = new ort.Tensor('float32', new Float32Array(copy.buffer), shape);
  }
  return tensors;
}

// The largest difference between numbers, as a part of the largest of them.
function difference(expected, found) {
  if (expected.length !== found.length) return Infinity;
  return Math.max(...expected.map((x, i) => Math.abs(x - found[i]))) / Math.max(...expected.map(Math.abs));
}

// Networks agree when no logit differs by more, and probabilities are what belongs to the logits.
const kTolerance = 1e-4;

async function compare(folder) {
  const files = fs.readdirSync(folder).filter((file) => file.endsWith('.onnx')).sort();
  let agree = 0;
  for (const file of files) {
    const {signals, logits} = readTensors(path.join(folder, file.replace(/onnx$/, 'safetensors')));
    const session = await ort.InferenceSession.create(path.join(folder, file));
    const found = await session.run({signals});
    const ofLogits = difference(logits.data, found.logits.data);
    const ofProbabilities = difference(found.logits.data.map((x) => 1 / (1 + Math.exp(-x))), found.probabilities.data);
    const agrees = ofLogits <= kTolerance && ofProbabilities <= kTolerance;
    console.log(file.padEnd(32), ofLogits.toExponential(1), agrees ? '' : 'TOO MUCH');
    agree += agrees;
    await session.release();
  }
  console.log(`${agree} of ${files.length} agree with LibTorch`);
  process.exitCode = agree === files.length && agree > 0 ? 0 : 1;
}

async function time(file, threads) {
  const session = await ort.InferenceSession.create(file, {intraOpNumThreads: threads, interOpNumThreads: 1});
  const {signals} = readTensors(file.replace(/onnx$/, 'safetensors'));
  const [, leads, samples] = signals.dims;
  const batch = 64;
  const many = Float32Array.from({length: batch * leads * samples}, (_, i) => signals.data[i % signals.data.length]);
  const input = {signals: new ort.Tensor('float32', many, [batch, leads, samples])};
  await session.run(input);
  let batches = 0;
  const start = process.hrtime.bigint();
  let seconds = 0;
  while (seconds < 5) {
    await session.run(input);
    ++batches;
    seconds = Number(process.hrtime.bigint() - start) / 1e9;
  }
  console.log((batches * batch / seconds).toFixed(1));
}

const [mode, where, threads] = process.argv.slice(2);
if (mode === 'compare' && where) {
  compare(where);
} else if (mode === 'time' && where && threads) {
  time(where, Number(threads));
} else {
  console.error(fs.readFileSync(__filename, 'utf8').split('\n').filter((line) => line.startsWith('//')).slice(0, 10)
                    .map((line) => line.slice(3)).join('\n'));
  process.exitCode = 1;
}

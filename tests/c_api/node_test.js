// The C interface, called from Node by koffi: node_test.js LIBRARY RUN ecg.csv
//
//   mkdir -p /tmp/koffi && cd /tmp/koffi && npm install koffi && export NODE_PATH=/tmp/koffi/node_modules
'use strict';
const assert = require('assert');
const fs = require('fs');

let koffi;
try {
  koffi = require('koffi');
} catch {
  console.log('skipped: npm\'s koffi is not in a folder that $NODE_PATH names');
  process.exit(0);
}

// The network needs more stack than koffi gives a call.
koffi.config({sync_stack_size: 8 << 20, async_stack_size: 8 << 20});

const [library, run, recording] = process.argv.slice(2);
const ecg = koffi.load(library);
koffi.opaque('ecg_predictor');
koffi.opaque('ecg_reading');
koffi.disposable('ecg_message', 'char *', ecg.func('void ecg_string_free(char *)'));
const load = ecg.func('int ecg_predictor_load(const char *, const char *, _Out_ ecg_predictor **, _Out_ ecg_message *)');
const predictFile =
    ecg.func('int ecg_predict_file(ecg_predictor *, const char *, void *, _Out_ ecg_reading **, _Out_ ecg_message *)');
const predictBytes = ecg.func(
    'int ecg_predict_bytes(ecg_predictor *, const void *, size_t, const char *, void *, _Out_ ecg_reading **, ' +
    '_Out_ ecg_message *)');
const classes = ecg.func('size_t ecg_predictor_classes(ecg_predictor *)');
const json = ecg.func('const char *ecg_reading_json(ecg_reading *)');
const modelJson = ecg.func('const char *ecg_predictor_json(ecg_predictor *)');
const probabilities = ecg.func('const float *ecg_reading_probabilities(ecg_reading *)');
const freeReading = ecg.func('void ecg_reading_free(ecg_reading *)');
const freePredictor = ecg.func('void ecg_predictor_free(ecg_predictor *)');

// The pointer that a function gives; its message is thrown.
function call(func, ...args) {
  const result = [null], message = [null];
  if (func(...args, result, message) !== 0) throw new Error(message[0]);
  return result[0];
}

const predictor = call(load, run, null);
const take = reading => {
  const found = koffi.decode(probabilities(reading), 'float', classes(predictor));
  freeReading(reading);
  return [...found];
};
const expected = take(call(predictFile, predictor, recording, null));
assert.strictEqual(expected.length, JSON.parse(modelJson(predictor)).classes.length);
assert(expected.every(value => value > 0 && value < 1));

const bytes = fs.readFileSync(recording);
const reading = call(predictBytes, predictor, bytes, bytes.length, 'from node', null);
const document = JSON.parse(json(reading));
assert.strictEqual(document.recording, 'from node');
assert.deepStrictEqual(take(reading), expected);
assert.throws(() => call(predictFile, predictor, 'no such file', null), /no such file/);
assert.throws(() => call(load, 'no such run', null), /there is no run in/);

// Calls in other threads, at the same time.
const inThread = () => new Promise((resolve, reject) => {
  const result = [null], message = [null];
  predictFile.async(predictor, recording, null, result, message, (error, code) => {
    if (error || code) return reject(error || new Error(message[0]));
    resolve(take(result[0]));
  });
});
Promise.all(Array.from({length: 20}, inThread)).then(all => {
  for (const found of all) assert.deepStrictEqual(found, expected);
  freePredictor(predictor);
  console.log('passed');
});

// Predicts the test records of a run with code that defines predict(run, signals), and compares it with its table.
//
//   node documented.js CODE RUN RECORDS
'use strict';
const fs = require('fs');
const path = require('path');

const [code, run, records] = process.argv.slice(2);
const predict = new Function('require', `${fs.readFileSync(code)}\nreturn predict;`)(require);

function signalsOf(record) {
  const name = `${record.padStart(5, '0')}_lr`;
  const folder = fs.readdirSync(records).find((one) => fs.existsSync(path.join(records, one, `${name}.hea`)));
  const header = fs.readFileSync(path.join(records, folder, `${name}.hea`), 'utf8').split('\n');
  const gain = parseFloat(header[1].split(' ')[2]);
  const bytes = fs.readFileSync(path.join(records, folder, `${name}.dat`));
  const samples = bytes.length / 24;
  return Array.from({length: 12}, (_, lead) =>
    Float32Array.from({length: samples}, (_, i) => bytes.readInt16LE(2 * (12 * i + lead)) / gain));
}

async function main() {
  const [header, ...rows] = fs.readFileSync(path.join(run, 'predictions.csv'), 'utf8').trim().split('\n')
    .map((line) => line.split(','));
  let greatest = 0;
  for (const row of rows) {
    for (const [name, probability] of await predict(run, signalsOf(row[0]))) {
      greatest = Math.max(greatest, Math.abs(probability - Number(row[header.indexOf(`probability_${name}`)])));
    }
  }
  console.log(`${run}: ${rows.length} records, greatest difference ${greatest.toExponential(1)}`);
  process.exitCode = rows.length > 0 && greatest < 1e-5 ? 0 : 1;
}
main();

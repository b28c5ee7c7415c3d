// The page of one run.

header(data.finished ? 'Report of a run' : 'A run that is not finished', null);

const facts = () => element('dl', {}, data.facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));

// The result.
const scoreScale = score => {
  const from = Math.min(.5, Math.floor(10 * (score.low ?? score.value)) / 10), x = v => 10 + 380 * (v - from) / (1 - from);
  const drawn = svgElement('svg', {viewBox: '0 0 400 44', class: 'scale', role: 'img', 'aria-label': `${score.name} ${fixed(score.value)}, ${intervalName()} ${range(score.low, score.high)}`});
  drawn.append(svgElement('line', {x1: 10, x2: 390, y1: 16, y2: 16, stroke: 'var(--line)', 'stroke-width': 2}));
  for (let tick = from; tick < 1.001; tick += .1) {
    const text = svgElement('text', {x: x(tick), y: 40, 'text-anchor': 'middle', 'font-size': 12, fill: 'var(--quiet)'});
    text.textContent = tick.toFixed(1);
    drawn.append(svgElement('line', {x1: x(tick), x2: x(tick), y1: 12, y2: 20, stroke: 'var(--quiet)'}), text);
  }
  if (isNumber(score.low)) drawn.append(svgElement('line', {x1: x(score.low), x2: x(score.high), y1: 16, y2: 16, stroke: 'var(--accent)', 'stroke-width': 8, 'stroke-linecap': 'round', 'stroke-opacity': .45}));
  drawn.append(svgElement('circle', {cx: x(score.value), cy: 16, r: 6.5, fill: 'var(--accent)'}));
  return drawn;
};
const result = () => {
  const score = data.score;
  if (!score) return element('p', {className: 'quiet'}, 'There is no test score.');
  return element('div', {},
      element('p', {style: 'margin:0', className: 'quiet'}, `Test ${score.name}`),
      element('div', {className: 'hero'}, fixed(score.value)),
      scoreScale(score),
      isNumber(score.low) && element('p', {}, `${intervalName()} ${range(score.low, score.high)} over ${count(score.resamples)} bootstrap resamples of the ${count(data.test_records)} test records (mean ${fixed(score.mean)})`,
          score.incomplete > 0 && `; ${score.incomplete} of them lack a class`, '.'),
      score.scored < score.classes && element('p', {className: 'quiet small'}, `Mean over ${score.scored} of ${score.classes} classes: the others have no positive or no negative test record.`),
      element('dl', {}, (data.other_scores ?? []).flatMap(([name, value]) => [element('dt', {}, name), element('dd', {className: 'number'}, Math.abs(value) < 100 ? fixed(value) : short(value))])));
};
section('result', 'Result', element('div', {className: 'columns'}, result(), element('div', {}, element('h3', {}, 'What was trained on what'), facts())));

// Training.
const bestEpoch = {id: 'best', afterDraw(drawn) {
  if (!data.best_epoch) return;
  const x = drawn.scales.x.getPixelForValue(data.best_epoch), {top, bottom} = drawn.chartArea, context = drawn.ctx;
  context.save();
  context.strokeStyle = colour('quiet');
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, bottom);
  context.stroke();
  context.restore();
}};
const historyChart = (name, unit, series, more = {}) => {
  const epochs = data.history.epoch;
  const shown = series.filter(([, column]) => data.history[column]?.some(isNumber));
  if (!shown.length) return null;
  return chart(name, () => ({
    type: 'line', plugins: [bestEpoch],
    data: {datasets: shown.map(([label, column], i) => ({
      label, data: epochs.map((x, k) => ({x, y: data.history[column][k]})).filter(point => isNumber(point.y)),
      borderColor: seriesColour(i), backgroundColor: seriesColour(i), borderDash: i ? [6, 3] : [], borderWidth: 2,
      pointStyle: i ? 'rect' : 'circle', pointRadius: epochs.length > 40 ? 0 : 2.5, pointHoverRadius: 6, tension: 0,
    }))},
    options: chartOptions(axis('Epoch', {type: 'linear', min: Math.min(...epochs), max: Math.max(...epochs), ticks: {color: colour('quiet'), precision: 0, maxRotation: 0}}),
        axis(unit, more), {title: item => `Epoch ${item.raw.x}`, text: item => `${item.dataset.label}: ${short(item.raw.y)}`},
        shown.length === 1 ? {legend: {display: false}} : {}),
  }));
};
// Whether the values are so far apart that only logarithms show them.
const wide = column => {
  const values = (data.history[column] ?? []).filter(isNumber);
  return values.length > 0 && Math.min(...values) > 0 && Math.max(...values) > 50 * Math.min(...values);
};
if (data.history?.epoch?.length) {
  const scoreName = data.score?.name || 'score', names = Object.keys(data.history);
  const metrics = names.filter(name => name.startsWith('validation_') && !['validation_loss', 'validation_score'].includes(name));
  section('training', 'Training',
      element('p', {className: 'quiet small'}, data.best_epoch ? `The dotted line is epoch ${data.best_epoch}, whose weights were kept.` : 'Loss, score and learning rate after each epoch.'),
      element('div', {className: 'columns'},
          historyChart('Loss', 'loss', [['training', 'train_loss'], ['validation', 'validation_loss']], wide('train_loss') || wide('validation_loss') ? {type: 'logarithmic'} : {}),
          historyChart(scoreName[0].toUpperCase() + scoreName.slice(1), scoreName, [['training', 'train_score'], ['validation', 'validation_score']]),
          historyChart('Learning rate', 'learning rate', [['learning rate', 'learning_rate']], {beginAtZero: true}),
          metrics.length ? historyChart('Metrics of the validation records', 'metric', metrics.map(name => [name.slice(11), name])) : null),
      element('details', {}, element('summary', {}, 'The numbers of each epoch'), scrollable('The numbers of each epoch',
          element('table', {}, element('thead', {}, element('tr', {}, names.map(name => element('th', {className: 'number', scope: 'col'}, name.replaceAll('_', ' '))))),
              element('tbody', {}, data.history.epoch.map((_, row) => element('tr', {}, names.map(name => element('td', {className: 'number'}, data.history[name][row] === null ? '' : String(data.history[name][row]))))))))));
}

// Classes, with their curves.
const classes = data.classes ?? [];
const picked = [];  // the names of the classes that are drawn in colour, in the order of their colours
let hovered = null, sought = '';
const matches = one => !sought || (one.name + ' ' + one.description).toLowerCase().includes(sought);
const curveSets = (x, y) => {
  const sets = classes.filter(one => one.curve && matches(one)).map(one => {
    const place = picked.indexOf(one.name), strong = one.name === hovered;
    const points = one.curve[x].map((value, i) => ({x: value, y: one.curve[y][i], threshold: one.curve.threshold[i], i}));
    // The ROC curve starts at the origin.
    if (x === 'false_positive_rate') points.unshift({x: 0, y: 0, threshold: null});
    const line = place >= 0 ? seriesColour(place) : strong ? colour('ink') : colour('faint');
    return {label: one.name, one, data: points, borderColor: line, backgroundColor: line, borderDash: place >= 0 ? dash(place) : [],
            borderWidth: strong ? 4 : place >= 0 ? 2.5 : 1.2, pointRadius: 0, pointHoverRadius: 5, stepped: false, order: strong ? 0 : place >= 0 ? 1 : 2};
  });
  return sets;
};
const curveLabel = {
  title: item => item.dataset.one ? `${item.dataset.label}${item.dataset.one.description ? ': ' + item.dataset.one.description : ''}` : item.dataset.label,
  text: item => {
    if (!item.dataset.one) return '';
    const curve = item.dataset.one.curve, i = item.raw.i;
    if (i === undefined) return 'above all thresholds';
    return [`threshold ${short(curve.threshold[i])}`, `sensitivity (recall) ${fixed(curve.sensitivity[i], 3)}`, `specificity ${fixed(1 - curve.false_positive_rate[i], 3)}`, `precision ${fixed(curve.precision[i], 3)}`];
  },
};
const unit = title => axis(title, {type: 'linear', min: 0, max: 1});
const curveChart = (name, x, y, xTitle, yTitle, caption) => chart(name, () => ({
  type: 'line',
  data: {datasets: [...(x === 'false_positive_rate' ? [{label: 'chance', background: true, data: [{x: 0, y: 0}, {x: 1, y: 1}], borderColor: colour('quiet'), borderDash: [3, 4], borderWidth: 1, pointRadius: 0, pointHitRadius: 0, order: 9}] : []), ...curveSets(x, y)]},
  options: {...chartOptions(unit(xTitle), unit(yTitle), curveLabel, {legend: {display: false}}),
            onHover: (event, active, drawn) => setHovered(active.length ? drawn.data.datasets[active[0].datasetIndex].one?.name ?? null : null, drawn)},
}), {square: true, caption, onHover: () => setHovered(null)});
let curveFigures = [];
const restyle = except => {
  for (const figure of curveFigures) {
    const drawn = figure.owner?.chart;
    if (!drawn) continue;
    for (const set of drawn.data.datasets) {
      if (!set.one) continue;
      const place = picked.indexOf(set.label), strong = set.label === hovered;
      set.borderColor = set.backgroundColor = place >= 0 ? seriesColour(place) : strong ? colour('ink') : colour('faint');
      set.borderDash = place >= 0 ? dash(place) : [];
      set.borderWidth = strong ? 4 : place >= 0 ? 2.5 : 1.2;
      set.order = strong ? 0 : place >= 0 ? 1 : 2;
    }
    if (drawn !== except) drawn.update('none'); else requestAnimationFrame(() => drawn.update('none'));
  }
};
const setHovered = (name, drawn) => {
  if (name === hovered) return;
  hovered = name;
  restyle(drawn);
};

if (classes.length) {
  const scored = classes.filter(one => one.curve);
  for (const one of [...scored].sort((a, b) => b.positives - a.positives).slice(0, 4)) picked.push(one.name);
  const lowest = Math.min(.5, ...scored.map(one => one.low ?? one.roc_auc));
  const swatches = new Map();
  const paintSwatches = () => {
    for (const [name, {box, swatch}] of swatches) {
      const place = picked.indexOf(name);
      box.checked = place >= 0;
      swatch.style.borderTop = place >= 0 ? `3px ${['solid', 'dashed', 'dotted', 'double'][Math.floor(place / palette.length) % 4]} ${seriesColour(place)}` : '';
    }
  };
  const pick = (name, on) => {
    const place = picked.indexOf(name);
    if (on && place < 0) {
      const free = picked.indexOf(null);
      if (free >= 0) picked[free] = name; else picked.push(name);
    }
    if (!on && place >= 0) picked[place] = null;
    paintSwatches();
    restyle();
  };
  const columns = [
    {title: 'Class', value: one => one.name, cell: one => {
      const box = element('input', {type: 'checkbox', disabled: !one.curve, 'aria-label': `Colour the curves of ${one.name}`, onchange: event => pick(one.name, event.target.checked)});
      const swatch = element('span', {className: 'swatch'});
      swatches.set(one.name, {box, swatch});
      return element('label', {className: 'pick'}, box, element('span', {}, one.name, one.description && element('span', {className: 'about'}, one.description)), swatch);
    }},
    {title: 'Positives', number: true, value: one => one.positives, cell: one => count(one.positives)},
    {title: unbroken('ROC-AUC'), number: true, value: one => one.roc_auc, cell: one => fixed(one.roc_auc)},
    {title: intervalName(), value: one => one.low, cell: one => one.curve ? [interval(one.roc_auc, one.low, one.high, lowest, 1, .5), element('span', {className: 'about'}, range(one.low, one.high, 3))] : element('span', {className: 'quiet small'}, one.positives ? 'no negative' : 'no positive')},
    {title: 'Average precision', number: true, value: one => one.average_precision, cell: one => fixed(one.average_precision)},
    {title: 'F1', number: true, value: one => one.f1, cell: one => fixed(one.f1), about: data.multi_class ? 'F1 of the most probable class' : 'F1 at the threshold of this row'},
    data.multi_class ? null : {title: 'Threshold', number: true, value: one => one.threshold, cell: one => short(one.threshold), about: data.thresholds_from_validation ? 'Chosen on the validation records' : 'The model holds no thresholds of its own'},
    {title: 'Calibration error', number: true, value: one => one.reliability.ece, cell: one => fixed(one.reliability.ece)},
    {title: 'Brier score', number: true, value: one => one.reliability.brier, cell: one => fixed(one.reliability.brier)},
  ].filter(Boolean);
  const {table, lines} = sortableTable('Scores of each class', columns, classes, {column: 1, descending: true});
  for (const {row, line} of lines) {
    line.addEventListener('mouseenter', () => setHovered(row.name));
    line.addEventListener('mouseleave', () => setHovered(null));
  }
  const found = element('span', {className: 'quiet small', role: 'status'}, `${classes.length} classes`);
  const search = element('input', {type: 'search', id: 'search', placeholder: 'Search classes, such as block', 'aria-label': 'Search classes', autocomplete: 'off', oninput: () => {
    sought = search.value.trim().toLowerCase();
    let shown = 0;
    for (const {row, line} of lines) {
      line.hidden = !matches(row);
      shown += !line.hidden;
    }
    found.textContent = sought ? `${shown} of ${classes.length} classes` : `${classes.length} classes`;
    hovered = null;
    for (const figure of curveFigures) {
      if (!figure.owner) continue;
      figure.owner.chart.destroy();
      figure.owner.chart = new Chart(figure.owner.canvas, figure.owner.configure());
    }
  }});
  curveFigures = scored.length ? [
    curveChart('ROC curve of each class', 'false_positive_rate', 'sensitivity', '1 − specificity', 'sensitivity', 'A class whose curve is near the upper left corner is told apart well; on the dotted diagonal it is guessed.'),
    curveChart('Precision and recall of each class', 'sensitivity', 'precision', 'recall (sensitivity)', 'precision', 'How many of the reported records have the class, when so many of those that have it are found.'),
  ] : [];
  section('classes', 'Classes',
      element('div', {className: 'tools'}, search, found,
          element('button', {type: 'button', onclick: () => { picked.length = 0; paintSwatches(); restyle(); }}, 'Colour none')),
      element('div', {className: 'columns'}, curveFigures),
      element('p', {className: 'quiet small'}, `Hover over a curve or a row to find one in the other; tick a class to colour it. Intervals are over ${count(data.resamples)} bootstrap resamples of the test records. `,
          data.multi_class ? 'F1 is that of the most probable class.' : data.thresholds_from_validation ? 'F1 is at the threshold of the row, which was chosen on the validation records.' : 'F1 is at a threshold of 0.5.'),
      scrollable('Scores of each class', table));
  paintSwatches();
}

// Calibration.
if (data.calibration) {
  const choices = [];
  if (data.calibration.calibrated) choices.push({name: 'All classes, calibrated', of: data.calibration.calibrated});
  choices.push({name: data.calibration.calibrated ? 'All classes, as the network says' : 'All classes', of: data.calibration.raw});
  const ofClasses = classes.filter(one => one.positives > 0).map(one => ({name: one.name + (one.description ? ': ' + one.description : ''), of: one.reliability}));
  const all = [...choices, ...ofClasses];
  let chosen = 0;
  const bins = () => all[chosen].of.bins.map((bin, i) => bin && {x: bin[1], y: bin[2], records: bin[0], i}).filter(Boolean);
  const label = {title: item => item.raw.records ? `Probabilities from ${(item.raw.i / 10).toFixed(1)} to ${((item.raw.i + 1) / 10).toFixed(1)}` : '',
                 text: item => item.raw.records ? [`mean probability ${fixed(item.raw.x, 3)}`, `share that has it ${fixed(item.raw.y, 3)}`, `${count(item.raw.records)} predictions`] : ''};
  const figure = chart('Reliability diagram', () => ({
    type: 'line',
    data: {datasets: [
      {label: 'perfect', background: true, data: [{x: 0, y: 0}, {x: 1, y: 1}], borderColor: colour('quiet'), borderDash: [3, 4], borderWidth: 1, pointRadius: 0, pointHitRadius: 0, order: 9},
      {label: 'frequency', data: bins(), borderColor: seriesColour(0), backgroundColor: seriesColour(0), borderWidth: 2,
       pointRadius: bins().map(bin => 3 + 2 * Math.log10(bin.records)), pointHoverRadius: bins().map(bin => 5 + 2 * Math.log10(bin.records))}]},
    options: chartOptions(unit('mean probability'), unit('share that has the class'), label, {legend: {display: false}}),
  }), {square: true, caption: 'On the dotted diagonal a probability is right: of the predictions of 0.7, 70% come true. Below it the model is too sure. Larger dots hold more predictions.'});
  const figures = element('dl', {});
  const show = () => {
    const {of} = all[chosen];
    figures.replaceChildren(element('dt', {}, 'Expected calibration error'), element('dd', {className: 'number'}, fixed(of.ece)),
        element('dt', {}, 'Brier score'), element('dd', {className: 'number'}, fixed(of.brier)), element('dt', {}, 'Predictions'), element('dd', {className: 'number'}, count(of.predictions)));
  };
  show();
  const select = element('select', {id: 'calibrated-class', 'aria-label': 'Which probabilities', onchange: event => {
    chosen = +event.target.value;
    show();
    if (figure.owner) { figure.owner.chart.destroy(); figure.owner.chart = new Chart(figure.owner.canvas, figure.owner.configure()); }
  }}, all.map((one, i) => element('option', {value: i}, one.name)));
  const row = (name, of) => element('tr', {}, element('th', {scope: 'row'}, name), element('td', {className: 'number'}, fixed(of.ece)), element('td', {className: 'number'}, fixed(of.brier)));
  section('calibration', 'Calibration', element('div', {className: 'columns'}, figure, element('div', {},
      element('div', {className: 'tools'}, select), figures,
      choices.length > 1 && element('table', {className: 'tight', style: 'margin-top:1rem'}, element('thead', {}, element('tr', {}, ['', 'Calibration error', 'Brier score'].map((title, i) => element('th', {scope: 'col', className: i ? 'number' : ''}, title)))),
          element('tbody', {}, row('as the network says', data.calibration.raw), row('calibrated', data.calibration.calibrated))),
      element('p', {className: 'quiet small'}, 'The expected calibration error is the mean distance from the diagonal, weighted by predictions; the Brier score is the mean squared error of the probabilities. Smaller is better for both. ',
          choices.length > 1 && 'Calibrated probabilities use a temperature for each class, fitted on the validation records.'))));
}

// Confusion.
if (data.confusion) {
  const {names, counts, superclasses} = data.confusion;
  const table = element('table', {className: 'heat'}, element('caption', {className: 'unseen'}, 'Confusion matrix'),
      element('thead', {}, element('tr', {}, element('th', {}, element('span', {className: 'quiet small'}, 'true \\ predicted')), names.map(name => element('th', {scope: 'col'}, name)))),
      element('tbody', {}, counts.map((row, i) => {
        const sum = row.reduce((a, b) => a + b, 0);
        return element('tr', {}, element('th', {scope: 'row'}, names[i], element('span', {className: 'about'}, sum === 1 ? '1 record' : `${count(sum)} records`)),
            row.map(cell => heatCell(sum ? cell / sum : null, sum ? percent(cell / sum) : '–', element('small', {}, count(cell)))));
      })));
  section('confusion', superclasses ? 'Confusion between superclasses' : 'Confusion between classes',
      element('p', {className: 'quiet small'}, superclasses
          ? `The ${count(data.confusion.records)} test records that have exactly one diagnostic superclass; predicted is the superclass of the likeliest diagnostic statement. `
          : `The ${count(data.confusion.records)} test records; predicted is the most probable class. `,
          `Each row adds up to 100%. ${percent(data.confusion.accuracy)} lie on the diagonal.`),
      scrollable('Confusion matrix', table, true));
}

// Groups of patients.
if (data.groups?.length) {
  const compared = data.groups.flatMap(group => group.rows).filter(row => isNumber(row.difference)).length;
  const all = data.groups.flatMap(group => group.rows).filter(row => isNumber(row.score));
  const from = Math.min(...all.map(row => row.low), ...all.map(row => row.score)) - .02, to = Math.max(...all.map(row => row.high), ...all.map(row => row.score)) + .02;
  const verdict = row => !isNumber(row.difference) ? element('span', {className: 'quiet'}, 'too few to compare')
      : !row.significant ? element('span', {className: 'quiet'}, 'not significant')
      : row.difference > 0 ? element('span', {className: 'higher'}, '\u25B2 significantly higher') : element('span', {className: 'lower'}, '\u25BC significantly lower');
  const columns = name => [
    {title: name, firm: true, cell: row => row.name}, {title: 'Records', number: true, cell: row => count(row.records)},
    {title: unbroken(data.score.name), number: true, cell: row => fixed(row.score)},
    {title: intervalName(), cell: row => isNumber(row.score) ? [interval(row.score, row.low, row.high, from, to), element('span', {className: 'about'}, range(row.low, row.high, 3))] : element('span', {className: 'quiet'}, 'no class can be scored')},
    {title: 'Scored classes', number: true, cell: row => count(row.classes)},
    {title: 'Minus all others', number: true, cell: row => signed(row.difference)},
    {title: intervalName(), firm: true, cell: row => isNumber(row.difference) ? `${signed(row.difference_low, 3)} to ${signed(row.difference_high, 3)}` : '–'},
    {title: '', firm: true, cell: verdict},
    {title: 'Classes compared', number: true, cell: row => count(row.difference_classes)}];
  section('patients', 'Sex and age',
      element('p', {className: 'quiet small'}, 'Each group of test records, and its score minus that of all other records, over the classes that can be scored on both. A difference is significant when 0 is outside of its interval; fewer than 20 records are not compared. ',
          `With ${compared} comparisons, about ${Math.max(1, Math.round(compared * (1 - (data.high_quantile - data.low_quantile))))} would be significant by chance.`),
      ...data.groups.map(group => {
        const shown = columns(group.name);
        return element('div', {style: 'margin-top:.8rem'}, scrollable(`Scores by ${group.name.toLowerCase()}`, element('table', {},
            element('caption', {className: 'unseen'}, `Scores by ${group.name.toLowerCase()}`),
            element('thead', {}, element('tr', {}, shown.map(column => element('th', {scope: 'col', className: column.number ? 'number' : ''}, column.title)))),
            element('tbody', {}, group.rows.map(row => element('tr', {}, shown.map((column, i) => element(i ? 'td' : 'th', {scope: i ? null : 'row', className: (column.number ? 'number' : '') + (column.firm ? ' firm' : '')}, column.cell(row))))))), true),
            group.unknown > 0 && element('p', {className: 'quiet small'}, `${count(group.unknown)} records without it are left out.`));
      }));
}

// The records with the largest losses.
if (data.worst?.length) {
  const line = one => [one.sex, one.age && `${one.age} years`, `cross-entropy ${short(one.loss)}`].filter(Boolean).join(', ');
  const outcome = row => row.target && row.reported ? 'found' : row.target ? element('span', {className: 'wrong'}, '\u2717 missed') : element('span', {className: 'wrong'}, '\u2717 false alarm');
  section('records', 'Records with the largest losses',
      element('p', {className: 'quiet small'}, 'By the cross-entropy of their probabilities. Listed are the classes that a record has, then those that the model reports by mistake, the most wrong first. Such records are often labelled wrongly, or noisy.'),
      ...data.worst.map(one => {
        const table = element('table', {}, element('caption', {className: 'unseen'}, `Classes of record ${one.record}`),
            element('thead', {}, element('tr', {}, element('th', {scope: 'col'}, 'Class'), element('th', {scope: 'colgroup', colSpan: 2}, 'Probability'))),
            element('tbody', {}, one.classes.map(row => element('tr', {}, element('th', {scope: 'row'}, row.name, row.description && element('span', {className: 'about'}, row.description)),
                element('td', {className: 'number'}, percent(row.probability)), element('td', {className: 'firm'}, outcome(row))))));
        const picture = one.svg ? element('div', {className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': `ECG of record ${one.record}`},
            element('img', {src: 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(one.svg), alt: `12-lead ECG of record ${one.record}, 25 mm/s, 10 mm/mV`}))
            : element('p', {className: 'quiet small'}, one.not_drawn ? `Not drawn: ${one.not_drawn}.` : 'Not drawn.');
        return element('article', {className: 'record'}, element('h3', {}, `Record ${one.record}`, element('span', {className: 'quiet small', style: 'font-weight:400'}, ` ${line(one)}`)),
            element('div', {className: 'beside'}, table, picture));
      }));
}

section('repeat', 'Repeating the run',
    element('div', {className: 'bar'}, element('p', {className: 'quiet small'}, 'In the checkout where the experiment is a target:'), copyButton(data.command)),
    element('pre', {tabIndex: 0}, element('code', {}, data.command)),
    element('details', {}, element('summary', {}, 'The spec, with every default filled in'), element('pre', {tabIndex: 0}, element('code', {}, data.spec))));

finish();

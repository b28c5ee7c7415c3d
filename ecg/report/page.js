// What all pages share: elements, numbers, themes, charts that a keyboard can read, tables that sort.

const data = JSON.parse(document.getElementById('data').textContent);

// element makes an element: its properties are set, and its children, elements or text, appended.
const element = (tag, properties = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in made && name !== 'role' && !name.startsWith('aria')) made[name] = value;
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat(2).filter(child => child !== null && child !== undefined && child !== false));
  return made;
};
const svgElement = (tag, attributes = {}, ...children) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const isNumber = value => typeof value === 'number' && isFinite(value);
const fixed = (value, digits = 4) => isNumber(value) ? value.toFixed(digits).replace('-', '\u2212') : '–';
const signed = (value, digits = 4) => isNumber(value) ? (value > 0 ? '+' : '') + fixed(value, digits) : '–';
const percent = value => isNumber(value) ? (100 * value).toFixed(value > 0 && value < .01 ? 1 : 0) + '%' : '–';
const short = value => !isNumber(value) ? '–' : value !== 0 && Math.abs(value) < .001 ? value.toExponential(1) : String(+value.toPrecision(3));
const range = (low, high, digits = 4) => isNumber(low) ? `${fixed(low, digits)} to ${fixed(high, digits)}` : '–';
// unbroken keeps a word such as ROC-AUC on one line.
const unbroken = text => text.replaceAll('-', '\u2011');
const count = value => isNumber(value) ? value.toLocaleString('en-US') : '–';
const intervalName = () => `${+(100 * ((data.high_quantile ?? .95) - (data.low_quantile ?? .05))).toFixed(4)}% interval`;
const say = text => { document.getElementById('said').textContent = text; };

// Themes. The system's, until a person chooses.
const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const isDark = () => getComputedStyle(document.documentElement).colorScheme === 'dark';
// The palette of Okabe and Ito, which people with any colour vision can tell apart, less its black and yellow that
// vanish on dark and on light.
const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const paletteOnDark = ['#56b4e9', '#e69f00', '#2fc79b', '#e69fc4', '#f0e442', '#ff8a4c'];
const seriesColour = i => (isDark() ? paletteOnDark : palette)[i % palette.length];
const dash = i => [[], [7, 3], [2, 2], [9, 3, 2, 3]][Math.floor(i / palette.length) % 4];

// Charts are made again when the theme changes, and for paper: a canvas does not follow the layout there, so that it gets
// a size of its own, which the style scales to the column.
const charts = [];
const redraw = (onPaper = false) => {
  for (const one of charts) {
    if (one.chart) one.chart.destroy();
    const configuration = one.configure();
    if (onPaper) Object.assign(configuration.options, {responsive: false, devicePixelRatio: 3});
    one.chart = new Chart(one.canvas, configuration);
    if (onPaper) one.chart.resize(300, one.square ? 300 : 225);
  }
};
const axis = (title, more = {}) => ({
  title: {display: true, text: title, color: colour('quiet')}, grid: {color: colour('faint')},
  border: {color: colour('line')}, ticks: {color: colour('quiet'), maxRotation: 0, autoSkipPadding: 12}, ...more,
});
const chartOptions = (x, y, label, more = {}) => ({
  responsive: true, maintainAspectRatio: false, animation: false, parsing: false, normalized: true,
  interaction: {mode: 'nearest', intersect: false, axis: 'xy'},
  scales: {x, y},
  plugins: {
    legend: {labels: {color: colour('ink'), usePointStyle: true, pointStyle: 'line', boxWidth: 28}},
    tooltip: {callbacks: {title: items => items.length ? label.title(items[0]) : '', label: label.text}, displayColors: false,
              backgroundColor: colour('ink'), titleColor: colour('paper'), bodyColor: colour('paper')},
    ...more,
  },
});

// chart returns a figure with the chart that `configure` returns the configuration of. The arrow keys walk along its
// points and from series to series; what is there is said to screen readers, too.
const chart = (name, configure, {square = false, caption = '', onHover = null} = {}) => {
  const canvas = element('canvas', {role: 'img', tabIndex: 0, 'aria-label': name + '. Arrow keys read its points.'});
  const figure = element('figure', {}, element('h3', {}, name), element('div', {className: 'chart' + (square ? ' square' : '')}, canvas),
                         caption && element('figcaption', {}, caption));
  if (typeof Chart === 'undefined') {
    figure.querySelector('.chart').replaceWith(element('p', {className: 'quiet'}, 'This program was built without Chart.js, so there is no curve here.'));
    return figure;
  }
  const one = {canvas, configure, square, chart: null};
  charts.push(one);
  let series = 0, place = -1;
  const visible = () => one.chart.data.datasets.map((set, i) => i).filter(i => one.chart.isDatasetVisible(i) && one.chart.data.datasets[i].data.length && !one.chart.data.datasets[i].background);
  const show = () => {
    const active = place < 0 ? [] : [{datasetIndex: series, index: place}];
    const point = place < 0 ? {x: 0, y: 0} : one.chart.getDatasetMeta(series).data[place].getCenterPoint();
    one.chart.setActiveElements(active);
    one.chart.tooltip.setActiveElements(active, point);
    one.chart.update('none');
    const tooltip = one.chart.tooltip;
    if (place >= 0) say([...(tooltip.title || []), ...(tooltip.body || []).flatMap(part => part.lines)].join(', '));
  };
  canvas.addEventListener('keydown', event => {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key], turn = {ArrowUp: -1, ArrowDown: 1}[event.key];
    if (!step && !turn && event.key !== 'Escape') return;
    event.preventDefault();
    const shown = visible();
    if (!shown.length) return;
    if (!shown.includes(series)) series = shown[0];
    if (turn) series = shown[(shown.indexOf(series) + turn + shown.length) % shown.length];
    const length = one.chart.data.datasets[series].data.length;
    place = event.key === 'Escape' ? -1 : Math.min(length - 1, Math.max(0, place + (step || 0)));
    show();
  });
  canvas.addEventListener('blur', () => { if (place >= 0) { place = -1; show(); } });
  if (onHover) canvas.addEventListener('mouseleave', () => onHover(null));
  figure.owner = one;
  return figure;
};

// scrollable puts a table, which may be wider than the page, where it scrolls, also by keyboard.
const scrollable = (name, table, whole = false) =>
    element('div', {className: 'scroll' + (whole ? ' whole' : ''), tabIndex: 0, role: 'region', 'aria-label': name}, table);

// sortableTable returns a table of `rows`. A column has a title, the value that sorts it, and what a cell shows.
const sortableTable = (name, columns, rows, sorted = {column: 0, descending: false}) => {
  const body = element('tbody');
  const made = rows.map(row => {
    const line = element('tr', {}, columns.map((column, i) => element(i === 0 ? 'th' : 'td', {className: column.number ? 'number' : '', scope: i === 0 ? 'row' : null}, column.cell(row))));
    return {row, line};
  });
  const heads = columns.map((column, i) => {
    const head = element('th', {className: column.number ? 'number' : '', scope: 'col', title: column.about ?? ''});
    if (column.value) head.append(element('button', {type: 'button', onclick: () => sort(i, true)}, column.title));
    else head.append(column.title);
    return head;
  });
  const sort = (i, byHand) => {
    const descending = byHand ? (sorted.column === i ? !sorted.descending : !!columns[i].number) : sorted.descending;
    sorted = {column: i, descending};
    const value = columns[i].value, sign = descending ? -1 : 1;
    made.sort((a, b) => {
      const x = value(a.row), y = value(b.row);
      const no = v => v === null || v === undefined || Number.isNaN(v);
      if (no(x) || no(y)) return no(x) - no(y);
      return sign * (typeof x === 'string' ? x.localeCompare(y, 'en', {numeric: true}) : x - y);
    });
    body.append(...made.map(one => one.line));
    heads.forEach((head, k) => k === i ? head.setAttribute('aria-sort', descending ? 'descending' : 'ascending') : head.removeAttribute('aria-sort'));
    if (byHand) say(`Sorted by ${columns[i].title}, ${descending ? 'descending' : 'ascending'}`);
  };
  const table = element('table', {}, element('caption', {className: 'unseen'}, name), element('thead', {}, element('tr', {}, heads)), body);
  sort(sorted.column, false);
  return {table, lines: made};
};

// interval draws a value with its interval on the scale from `from` to `to`; `at` marks a place such as 0.
const interval = (value, low, high, from, to, at = null) => {
  if (!isNumber(value)) return '';
  const x = v => 4 + 136 * (Math.min(to, Math.max(from, v)) - from) / ((to - from) || 1);
  const drawn = svgElement('svg', {viewBox: '0 0 144 18', class: 'range', 'aria-hidden': 'true', preserveAspectRatio: 'none'});
  drawn.append(svgElement('line', {x1: 4, x2: 140, y1: 9, y2: 9, stroke: 'var(--line)', 'stroke-width': 1}));
  if (at !== null) drawn.append(svgElement('line', {x1: x(at), x2: x(at), y1: 2, y2: 16, stroke: 'var(--quiet)', 'stroke-width': 1, 'stroke-dasharray': '2 2'}));
  if (isNumber(low)) drawn.append(svgElement('line', {x1: x(low), x2: Math.max(x(high), x(low) + 1), y1: 9, y2: 9, stroke: 'var(--accent)', 'stroke-width': 4, 'stroke-linecap': 'round', 'stroke-opacity': .5}));
  drawn.append(svgElement('circle', {cx: x(value), cy: 9, r: 4, fill: 'var(--accent)'}));
  return drawn;
};

// heatCell colours a cell of a table by a share from 0 to 1; the text says what the colour does.
const heatCell = (share, ...text) => {
  const opacity = isNumber(share) ? .06 + .84 * Math.min(1, Math.max(0, share)) : 0;
  // The ink with the greater contrast.
  const ink = isDark() ? (opacity > .6 ? '#06131d' : 'inherit') : opacity > .85 ? '#fff' : 'inherit';
  return element('td', {style: `background:rgba(var(--heat),${opacity.toFixed(3)});color:${ink}`, 'data-share': share}, ...text);
};

const sections = [];
const section = (id, title, ...children) => {
  const made = element('section', {id, 'aria-labelledby': id + '-title'}, element('h2', {id: id + '-title'}, title), ...children);
  sections.push({id, title, made});
  document.getElementById('main').append(made);
  return made;
};

const header = (kind, line) => {
  const theme = element('button', {type: 'button', className: 'screen', 'aria-label': 'Switch between light and dark', onclick: () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    redraw();
    repaint();
  }}, '\u25D0 Theme');
  document.getElementById('top').append(
      element('div', {className: 'bar'}, element('div', {}, element('p', {className: 'quiet small', style: 'margin:0'}, kind), element('h1', {}, data.title), line && element('p', {className: 'quiet'}, line)), theme));
  if (data.synthetic) document.getElementById('top').append(element('p', {className: 'banner', role: 'note'}, element('strong', {}, 'Synthetic records. '), 'These figures say nothing about patients.'));
  if (data.notes?.length) document.getElementById('top').append(element('div', {className: 'banner', role: 'note'}, element('ul', {}, data.notes.map(note => element('li', {}, note)))));
};

// Cells that were coloured for one theme are coloured again for the other.
const repaint = () => {
  for (const cell of document.querySelectorAll('td[data-share]')) cell.style.color = heatCell(+cell.dataset.share).style.color;
};

const finish = () => {
  document.querySelector('noscript')?.remove();
  const brief = {confusion: 'Confusion', records: 'Largest losses', repeat: 'Repeating'};
  const links = sections.map(one => element('a', {href: '#' + one.id}, brief[one.id] ?? one.title));
  document.getElementById('contents').append(element('ul', {}, links.map(link => element('li', {}, link))));
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) {
      const i = sections.findIndex(one => one.made === entry.target);
      sections[i].inView = entry.isIntersecting;
    }
    const here = sections.findIndex(one => one.inView);
    links.forEach((link, i) => link.classList.toggle('here', i === here));
  }, {rootMargin: '-15% 0px -70% 0px'});
  sections.forEach(one => seen.observe(one.made));
  document.getElementById('foot').append(element('p', {}, 'Made by ecg', data.folder && [' from ', element('code', {}, data.folder)], '. For research; not a medical device. How to read each figure: docs/reading-results.md.'));
  redraw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { redraw(); repaint(); });
  let before;
  addEventListener('beforeprint', () => {
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = 'light';
    redraw(true);
    repaint();
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  addEventListener('afterprint', () => {
    if (before === undefined) delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = before;
    redraw();
    repaint();
  });
};

const copyButton = text => element('button', {type: 'button', className: 'screen', onclick: async event => {
  const button = event.currentTarget;
  try { await navigator.clipboard.writeText(text); button.textContent = 'Copied'; } catch { button.textContent = 'Select the text and copy it'; }
  setTimeout(() => { button.textContent = 'Copy'; }, 2500);
}}, 'Copy');

// The page of several results: a sweep, or runs that are compared.

header(data.kind, data.description);

const results = data.results, axes = data.axes;
const pairOf = new Map();
for (const [first, second, difference, low, high, significant] of data.pairs) {
  pairOf.set(`${first},${second}`, {difference, low, high, significant});
  pairOf.set(`${second},${first}`, {difference: -difference, low: -high, high: -low, significant});
}
results.forEach((one, i) => { one.place = i; });
const groups = [...new Set(results.map(one => one.group))];
const ranked = new Map(groups.map(group => [group, results.filter(one => one.group === group).sort((a, b) => b.score - a.score)]));
for (const list of ranked.values()) list.forEach((one, i) => { one.rank = i + 1; });
const low = Math.min(...results.map(one => Math.min(one.low, one.score))), high = Math.max(...results.map(one => Math.max(one.high, one.score)));
const margin = .05 * (high - low || .1);

// links returns the runs of a result, each to its report where that is there.
const links = one => one.runs.length < 2 ? null : element('span', {className: 'about'}, one.runs.flatMap((run, i) => [i ? ', ' : '', run.link ? element('a', {href: run.link}, run.name) : run.name]));
const label = one => element('span', {className: 'label'}, one.runs.length === 1 && one.runs[0].link ? element('a', {href: one.runs[0].link}, one.label) : one.label);
const alike = one => ranked.get(one.group).filter(other => other !== one && pairOf.get(`${one.place},${other.place}`)?.significant === false).map(other => other.rank);

if (results.length) {
  const search = element('input', {type: 'search', id: 'search', placeholder: 'Search', 'aria-label': 'Search results', autocomplete: 'off'});
  const tables = [];
  const rankings = groups.map(group => {
    const list = ranked.get(group), first = list[0];
    const hasValidation = list.some(one => isNumber(one.validation)), hasDeviation = list.some(one => isNumber(one.standard_deviation));
    const behind = one => one === first ? null : pairOf.get(`${first.place},${one.place}`);
    const columns = [
      {title: 'Rank', number: false, value: one => one.rank, cell: one => String(one.rank)},
      {title: axes.length && groups.length < 2 ? axes.join(', ') : 'Result', value: one => one.label, cell: one => [label(one), one.runs.length > 1 ? element('details', {className: 'small'}, element('summary', {}, `${one.runs.length} runs`), links(one)) : links(one)]},
      {title: unbroken(data.score_name), number: true, value: one => one.score, cell: one => fixed(one.score)},
      hasDeviation && {title: 'Standard deviation', number: true, value: one => one.standard_deviation, cell: one => fixed(one.standard_deviation)},
      {title: intervalName(), value: one => one.low, cell: one => [interval(one.score, one.low, one.high, low - margin, high + margin), element('span', {className: 'about'}, range(one.low, one.high))]},
      {title: 'Behind the first', number: true, value: one => behind(one)?.difference ?? null, cell: one => behind(one) ? [fixed(behind(one).difference), element('span', {className: 'about'}, range(behind(one).low, behind(one).high))] : ''},
      {title: 'Not significantly different from', value: one => alike(one).length, cell: one => alike(one).length ? 'rank ' + alike(one).join(', ') : ''},
      hasValidation && {title: 'Validation', number: true, value: one => one.validation, cell: one => fixed(one.validation)},
    ].filter(Boolean);
    const made = sortableTable(group ? `Ranking of ${group}` : 'Ranking', columns, list);
    tables.push(...made.lines);
    return element('div', {style: 'margin-top:.8rem'}, group && element('h3', {}, group), scrollable(group ? `Ranking of ${group}` : 'Ranking', made.table));
  });
  search.addEventListener('input', () => {
    const sought = search.value.trim().toLowerCase();
    for (const {row, line} of tables) line.hidden = !(row.label + ' ' + row.runs.map(run => run.name).join(' ')).toLowerCase().includes(sought);
  });
  section('ranking', 'Ranking',
      element('p', {className: 'quiet small'}, `Test ${data.score_name}, with the ${intervalName()} over ${count(data.resamples)} bootstrap resamples of the test records. Two results are significantly different when 0 is outside of the interval of their difference on the same resamples. Where many are compared, some differences are significant by chance.`),
      results.length > 6 && element('div', {className: 'tools'}, search), ...rankings);
} else {
  section('ranking', 'Ranking', element('p', {}, 'No result is there yet.'));
}

// heatMap returns a table of `score` over two of `names`, the axes of `entries`, with a choice of the axes where there are
// more; an entry's cell is the mean over all that have the same two values.
const heatMap = (name, names, entries, scoreName) => {
  const values = names.map((_, a) => [...new Set(entries.map(one => one.values[a]))]);
  const varied = names.map((_, a) => a).filter(a => values[a].length > 1);
  if (!varied.length) return null;
  let rows = varied[0], columns = varied[1] ?? null;
  const place = element('div');
  const draw = () => {
    const scores = entries.map(one => one.score).filter(isNumber);
    const least = Math.min(...scores), greatest = Math.max(...scores);
    const cell = (row, column) => {
      const here = entries.filter(one => one.values[rows] === row && (columns === null || one.values[columns] === column));
      const done = here.filter(one => isNumber(one.score));
      if (!done.length) return heatCell(null, here.length ? 'not yet' : '');
      const mean = done.reduce((sum, one) => sum + one.score, 0) / done.length;
      const chosen = here.some(one => one.chosen);
      return heatCell(greatest > least ? .08 + .92 * (mean - least) / (greatest - least) : .5, chosen ? element('strong', {}, `\u2713 ${fixed(mean)}`) : fixed(mean), done.length > 1 && element('small', {}, `mean of ${done.length}`), chosen && element('small', {}, 'chosen'));
    };
    const across = columns === null ? [''] : values[columns];
    place.replaceChildren(scrollable(name, element('table', {className: 'heat'}, element('caption', {className: 'unseen'}, name),
        element('thead', {}, element('tr', {}, element('th', {}, element('span', {className: 'quiet small'}, columns === null ? names[rows] : `${names[rows]} \\ ${names[columns]}`)), across.map(value => element('th', {scope: 'col'}, value || scoreName)))),
        element('tbody', {}, values[rows].map(row => element('tr', {}, element('th', {scope: 'row'}, row), across.map(column => cell(row, column)))))), true));
  };
  draw();
  const choose = (text, get, set) => element('label', {className: 'small'}, text + ' ', element('select', {onchange: event => { set(+event.target.value); draw(); }}, varied.map(a => element('option', {value: a, selected: a === get()}, names[a]))));
  return element('div', {}, varied.length > 2 && element('div', {className: 'tools'}, choose('Down', () => rows, a => { rows = a; }), choose('Across', () => columns, a => { columns = a; })), place);
};

if (axes.length > 1 && results.length > 3) {
  const map = heatMap('Map of the test scores', axes, results, data.score_name);
  if (map) section('map', 'Map', element('p', {className: 'quiet small'}, `Test ${data.score_name} over what was varied; the stronger the colour, the higher the score.`), map);
}
if (data.choices.length) {
  section('choices', 'Choices', element('p', {className: 'quiet small'}, `Validation ${data.score_name} of each setting. The best is chosen, and only its test score is reported, so that the test records choose nothing.`),
      ...data.choices.map(choice => element('div', {style: 'margin-top:.8rem'}, choice.of && element('h3', {}, choice.of), heatMap(`Validation scores${choice.of ? ' of ' + choice.of : ''}`, choice.axes, choice.settings, 'validation'))));
}

// Which differences are significant, each against each.
const matrices = groups.map(group => ranked.get(group)).filter(list => list.length > 1 && list.length <= 40 && list.some(one => list.some(other => pairOf.has(`${one.place},${other.place}`))));
if (matrices.length) {
  section('differences', 'Differences', element('p', {className: 'quiet small'}, `The score of the row minus that of the column, with its ${intervalName()}: \u25B2 significantly higher, \u25BC significantly lower, \u2248 not significantly different.`),
      ...matrices.map(list => {
        const greatest = Math.max(...list.flatMap(one => list.map(other => Math.abs(pairOf.get(`${one.place},${other.place}`)?.difference ?? 0)))) || 1;
        const name = list[0].group ? `Differences of ${list[0].group}` : 'Differences';
        return element('div', {style: 'margin-top:.8rem'}, list[0].group && element('h3', {}, list[0].group), scrollable(name, element('table', {className: 'heat'}, element('caption', {className: 'unseen'}, name),
            element('thead', {}, element('tr', {}, element('th', {}), list.map(one => element('th', {scope: 'col', title: one.label}, String(one.rank))))),
            element('tbody', {}, list.map(one => element('tr', {}, element('th', {scope: 'row'}, element('span', {className: 'label'}, `${one.rank}  ${one.label}`)), list.map(other => {
              const pair = pairOf.get(`${one.place},${other.place}`);
              if (!pair) return element('td', {className: 'quiet'}, one === other ? '·' : '–');
              const sign = !pair.significant ? '\u2248' : pair.difference > 0 ? '\u25B2' : '\u25BC';
              const cell = heatCell(pair.significant ? .1 + .6 * Math.abs(pair.difference) / greatest : 0, `${sign} ${signed(pair.difference, 3)}`, element('small', {}, range(pair.low, pair.high, 3)));
              cell.title = `${one.label} minus ${other.label}`;
              return cell;
            }))))), true));
      }));
}

finish();

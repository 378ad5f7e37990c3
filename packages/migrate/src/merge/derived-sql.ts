import type { DerivedStatement } from '@coppice/api'

const dropping =
  /^(?:drop|alter (?:table|view|type) .* drop (?:column|constraint|expression|identity))\b/i

/** The statement with what it means for what is there. */
export function describeStatement(sql: string): DerivedStatement {
  return { sql, drops: dropping.test(sql) }
}

/** As a script: what drops something says so. */
export function renderScript(statements: readonly DerivedStatement[]): string {
  return statements.map(({ sql, drops }) => `${drops ? '-- drops\n' : ''}${sql};`).join('\n\n')
}

import type { ReactNode } from 'react'

import { tokensOf } from './sql-tokens.ts'

import classes from './migrations.module.css'

/** One line of SQL in its colours, within whatever holds it. */
export function SqlLine({ text }: { text: string }): ReactNode {
  return tokensOf(text).map(({ kind, text: piece }, at) =>
    kind === 'plain' ? (
      piece
    ) : (
      // The pieces of a line stand where they stand.
      <span key={at} className={classes[kind]}>
        {piece}
      </span>
    ),
  )
}

interface SqlBlockProps {
  label: string
  sql: string
  /** Lines below each other rather than a bar to scroll sideways. */
  wrap?: boolean
}

/** A piece of SQL in its colours. */
export function SqlBlock({ label, sql, wrap = false }: SqlBlockProps): ReactNode {
  return (
    <pre
      className={classes['sql']}
      data-wrap={wrap || undefined}
      aria-label={label}
      role="group"
      // What scrolls has to be reachable by the keyboard.
      tabIndex={0}
    >
      {sql.split('\n').map((line, at) => (
        <span key={at}>
          <SqlLine text={line} />
          {'\n'}
        </span>
      ))}
    </pre>
  )
}

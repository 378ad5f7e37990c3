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

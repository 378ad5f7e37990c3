import { type ReactNode, useMemo } from 'react'

import { tokenize } from './sql-tokens.ts'

import classes from './sql-text.module.css'

interface SqlTextProps {
  sql: string
  /** On one line that ends where there is no more room; else as it was written, scrolled. */
  isLine?: boolean
}

/** SQL to be read. */
export function SqlText({ sql, isLine = false }: SqlTextProps): ReactNode {
  const tokens = useMemo(
    () => tokenize(isLine ? sql.slice(0, lineMax).replaceAll(/\s+/g, ' ').trim() : sql),
    [sql, isLine],
  )
  const parts = tokens.map(({ kind, text }, at) =>
    kind === 'plain' ? (
      text
    ) : (
      <span key={at} className={classes[kind]}>
        {text}
      </span>
    ),
  )
  if (isLine) return <code className={classes['line']}>{parts}</code>
  return (
    <pre className={classes['block']} tabIndex={0}>
      <code>{parts}</code>
    </pre>
  )
}

/** More than fits any screen. */
const lineMax = 400

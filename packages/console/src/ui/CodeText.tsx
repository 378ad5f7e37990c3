import { Code } from '@mantine/core'
import { Fragment, type ReactNode } from 'react'

/** A text of the platform, with what stands between backticks as code. */
export function CodeText({ children }: { children: string }): ReactNode {
  return children.split('`').map((part, at) =>
    // Every other part stood between two of them.
    at % 2 === 1 ? <Code key={at}>{part}</Code> : <Fragment key={at}>{part}</Fragment>,
  )
}

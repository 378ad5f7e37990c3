import type { ReactNode } from 'react'

import classes from './host.module.css'

/** Names and what they stand for; a name that is empty goes on with the one above. */
export function Facts({ facts }: { facts: readonly (readonly [string, string])[] }): ReactNode {
  return (
    <dl className={classes['facts']}>
      {facts.map(([name, value]) => (
        <div key={`${name} ${value}`}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

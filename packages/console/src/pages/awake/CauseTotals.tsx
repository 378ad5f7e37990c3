import { Button, Text, UnstyledButton } from '@mantine/core'
import { IconMoonStars } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import type { CauseTotal } from './awake-totals.ts'
import { formatSpan } from './format-awake.ts'

import classes from './reasons.module.css'

interface CauseTotalsProps {
  totals: readonly CauseTotal[]
  currency: string
  chosen: string | undefined
  onChoose: (key: string | null) => void
}

const shownAtFirst = 6

/** Awake 3 h 12 min because of X: for whom computes were awake, longest first. */
export function CauseTotals({ totals, currency, chosen, onChoose }: CauseTotalsProps): ReactNode {
  const [isAll, setIsAll] = useState(false)
  const most = totals[0]?.seconds ?? 1
  const shown = isAll ? totals : totals.slice(0, shownAtFirst)
  return (
    <Panel
      title="Awake because of"
      description="Each moment counts once: for what kept it awake, else for what woke it"
    >
      {totals.length === 0 ? (
        <EmptyState icon={IconMoonStars} title="Nothing was awake">
          In all this time no compute was wanted, and none has cost anything.
        </EmptyState>
      ) : (
        <ul className={classes['totals']} aria-label="Awake by cause">
          {shown.map((total) => (
            <li key={total.key}>
              <UnstyledButton
                className={classes['total'] ?? ''}
                data-chosen={total.key === chosen || undefined}
                aria-pressed={total.key === chosen}
                onClick={() => onChoose(total.key === chosen ? null : total.key)}
              >
                <div>
                  <Text size="sm" fw={550} truncate>
                    {total.title}
                  </Text>
                  <Text size="xs" c="var(--faint)" truncate>
                    {noteOf(total)}
                  </Text>
                </div>
                <Text size="sm" fw={600} className="figures">
                  {formatSpan(total.seconds)}
                </Text>
                <Text size="sm" c="var(--faint)" ta="right" className="figures">
                  {formatMoney(total.cost, currency)}
                </Text>
                <span className={classes['share']}>
                  <span style={{ width: `${(total.seconds / most) * 100}%` }} />
                </span>
              </UnstyledButton>
            </li>
          ))}
        </ul>
      )}
      {totals.length > shown.length && (
        <Button variant="subtle" size="compact-sm" mt={6} onClick={() => setIsAll(true)}>
          All {totals.length} causes
        </Button>
      )}
    </Panel>
  )
}

function noteOf({ reasons, wakes }: CauseTotal): string {
  const woke = wakes === 0 ? undefined : wakes === 1 ? 'woke it once' : `woke it ${wakes} times`
  return [reasons.join(', '), woke].filter(Boolean).join(' · ')
}

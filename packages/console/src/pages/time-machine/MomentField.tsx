import { TextInput } from '@mantine/core'
import { IconClock } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { type Moment, momentText, parseMoment } from '../../ui/moment.ts'
import { useNow } from '../../ui/RelativeTime.tsx'

interface MomentFieldProps {
  moment: Moment
  onChange: (moment: Moment) => void
  /** Why nothing can be done with the moment. */
  problem: string | undefined
}

/** The moment as text: what the slider says, or what somebody types. */
export function MomentField({ moment, onChange, problem }: MomentFieldProps): ReactNode {
  /** Undefined while nobody types. */
  const [typed, setTyped] = useState<string>()
  const nowMs = useNow()
  const isWrong = typed !== undefined && parseMoment(typed, nowMs) === undefined
  const finish = (): void => {
    if (typed === undefined) return
    const found = parseMoment(typed, Date.now())
    if (found === undefined) return
    onChange(found)
    setTyped(undefined)
  }
  return (
    <TextInput
      aria-label="Time or LSN"
      w={{ base: '100%', sm: 290 }}
      leftSection={<IconClock size={16} />}
      value={typed ?? momentText(moment)}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key === 'Enter') finish()
        if (event.key === 'Escape') setTyped(undefined)
      }}
      error={
        isWrong
          ? 'A time such as 2026-01-31 11:59, 10 min ago, or an LSN such as 0/16B3748'
          : problem
      }
      styles={{ input: { fontVariantNumeric: 'tabular-nums', fontWeight: 600 } }}
      autoComplete="off"
      spellCheck={false}
    />
  )
}

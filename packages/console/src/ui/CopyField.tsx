import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import classes from './copy-field.module.css'

/** A button that copies a text and says that it has. */
export function CopyIcon({ value, label }: { value: string; label: string }): ReactNode {
  return (
    <CopyButton value={value} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon aria-label={label} onClick={copy} color={copied ? 'leaf' : 'gray'}>
            {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

interface CopyFieldProps {
  value: string
  /** What is copied: `Copy connection string`. */
  label: string
  /** What is shown in its place, such as a string whose password is hidden. */
  shown?: string | undefined
}

/** A text to be copied, a program's lines included. */
export function CopyField({ value, label, shown }: CopyFieldProps): ReactNode {
  return (
    <div className={classes['field']}>
      <pre className={classes['text']} tabIndex={0}>
        {shown ?? value}
      </pre>
      <div className={classes['copy']}>
        <CopyIcon value={value} label={label} />
      </div>
    </div>
  )
}

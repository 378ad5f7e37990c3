import { ActionIcon, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'

import { addTab, changeTab, closeTab, type QueryTab, type QueryTabs } from './query-tabs.ts'

import classes from './sql.module.css'

interface QueryTabStripProps {
  all: QueryTabs
  onChange: (all: QueryTabs) => void
}

/** Queries that are open in this browser. F2 or a double click renames one, Delete closes it. */
export function QueryTabStrip({ all, onChange }: QueryTabStripProps): ReactNode {
  const [renaming, setRenaming] = useState<string>()
  const rename = (id: string, name: string): void => {
    setRenaming(undefined)
    if (name.trim() !== '') onChange(changeTab(all, id, { name: name.trim().slice(0, 80) }))
  }
  const onKeyDown = (event: KeyboardEvent, { id }: QueryTab): void => {
    if (event.key === 'F2') setRenaming(id)
    else if (event.key === 'Delete') onChange(closeTab(all, id))
  }
  return (
    <div className={classes['tabs']}>
      <ul className={classes['tabList']} aria-label="Queries">
        {all.tabs.map((tab) => {
          const isOpen = tab.id === all.openId
          return (
            <li key={tab.id} className={classes['tab']} data-open={isOpen || undefined}>
              {renaming === tab.id ? (
                <NameField name={tab.name} onDone={(name) => rename(tab.id, name)} />
              ) : (
                <button
                  type="button"
                  aria-current={isOpen}
                  className={classes['tabName']}
                  onClick={() => onChange({ ...all, openId: tab.id })}
                  onDoubleClick={() => setRenaming(tab.id)}
                  onKeyDown={(event) => onKeyDown(event, tab)}
                >
                  {tab.name}
                </button>
              )}
              {isOpen && all.tabs.length > 1 && (
                <ActionIcon
                  size={18}
                  aria-label={`Close ${tab.name}`}
                  onClick={() => onChange(closeTab(all, tab.id))}
                >
                  <IconX size={13} />
                </ActionIcon>
              )}
            </li>
          )
        })}
      </ul>
      <ActionIcon aria-label="New query" onClick={() => onChange(addTab(all))}>
        <IconPlus size={16} />
      </ActionIcon>
    </div>
  )
}

function NameField({ name, onDone }: { name: string; onDone: (name: string) => void }): ReactNode {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.select(), [])
  return (
    <TextInput
      ref={field}
      size="xs"
      w={140}
      aria-label="Name of the query"
      defaultValue={name}
      onBlur={(event) => onDone(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onDone(event.currentTarget.value)
        else if (event.key === 'Escape') onDone(name)
      }}
    />
  )
}

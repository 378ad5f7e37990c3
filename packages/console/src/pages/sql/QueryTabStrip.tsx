import { ActionIcon, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'

import { addTab, changeTab, closeTab, type QueryTab, type QueryTabs } from './query-tabs.ts'

import classes from './sql.module.css'

interface QueryTabStripProps {
  all: QueryTabs
  onChange: (all: QueryTabs) => void
}

/** Queries that are open in this browser. F2 or a double click renames, Delete closes. */
export function QueryTabStrip({ all, onChange }: QueryTabStripProps): ReactNode {
  const [renaming, setRenaming] = useState<string>()
  const openNext = (step: number): void => {
    const index = all.tabs.findIndex(({ id }) => id === all.openId)
    const next = all.tabs[(index + step + all.tabs.length) % all.tabs.length]
    if (next === undefined) return
    onChange({ ...all, openId: next.id })
    document.querySelector<HTMLElement>(`#query-tab-${next.id}`)?.focus()
  }
  const onKeyDown = (event: KeyboardEvent, tab: QueryTab): void => {
    if (event.key === 'ArrowRight') openNext(1)
    else if (event.key === 'ArrowLeft') openNext(-1)
    else if (event.key === 'F2') setRenaming(tab.id)
    else if (event.key === 'Delete') onChange(closeTab(all, tab.id))
    else return
    event.preventDefault()
  }
  const rename = (id: string, name: string): void => {
    setRenaming(undefined)
    if (name.trim() !== '') onChange(changeTab(all, id, { name: name.trim().slice(0, 80) }))
  }
  return (
    <div className={classes['tabs']}>
      <div role="tablist" aria-label="Queries" className={classes['tabList']}>
        {all.tabs.map((tab) => (
          <div
            key={tab.id}
            className={classes['tab']}
            role="presentation"
            data-open={tab.id === all.openId || undefined}
          >
            {renaming === tab.id ? (
              <NameField name={tab.name} onDone={(name) => rename(tab.id, name)} />
            ) : (
              <button
                type="button"
                role="tab"
                id={`query-tab-${tab.id}`}
                aria-selected={tab.id === all.openId}
                tabIndex={tab.id === all.openId ? 0 : -1}
                className={classes['tabName']}
                onClick={() => onChange({ ...all, openId: tab.id })}
                onDoubleClick={() => setRenaming(tab.id)}
                onKeyDown={(event) => onKeyDown(event, tab)}
              >
                {tab.name}
              </button>
            )}
            {all.tabs.length > 1 && tab.id === all.openId && (
              <ActionIcon
                size={18}
                tabIndex={-1}
                aria-label={`Close ${tab.name}`}
                onClick={() => onChange(closeTab(all, tab.id))}
              >
                <IconX size={13} />
              </ActionIcon>
            )}
          </div>
        ))}
      </div>
      <ActionIcon aria-label="New query" onClick={() => onChange(addTab(all))}>
        <IconPlus size={16} />
      </ActionIcon>
    </div>
  )
}

function NameField({ name, onDone }: { name: string; onDone: (name: string) => void }): ReactNode {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  return (
    <TextInput
      size="xs"
      w={140}
      aria-label="Name of the query"
      defaultValue={name}
      ref={field}
      onFocus={(event) => event.currentTarget.select()}
      onBlur={(event) => onDone(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onDone(event.currentTarget.value)
        else if (event.key === 'Escape') onDone(name)
      }}
    />
  )
}

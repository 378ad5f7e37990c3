import { Button, Group, Kbd, Menu, Switch, Tooltip } from '@mantine/core'
import { useOs } from '@mantine/hooks'
import { IconChevronDown, IconPlayerPlay, IconRoute } from '@tabler/icons-react'
import { type ReactNode, useSyncExternalStore } from 'react'

import type { SqlRun } from './sql-run.ts'

interface RunBarProps {
  /** What was last run from the open tab. */
  run: SqlRun | undefined
  canRun: boolean
  onRun: () => void
  onRunAll: () => void
  onExplain: (analyze: boolean) => void
  isReadOnly: boolean
  /** The past cannot be written. */
  isPast: boolean
  onReadOnly: (readOnly: boolean) => void
  /** Between the buttons: when to look. */
  children: ReactNode
}

const nothing = () => undefined
const never = () => nothing

/** Below the editor: what can be done with what is in it, and how. */
export function RunBar(props: RunBarProps): ReactNode {
  const { run, canRun, onRun, onRunAll, onExplain, isReadOnly, isPast, onReadOnly } = props
  const isMac = useOs() === 'macos'
  useSyncExternalStore(run?.subscribe ?? never, run?.state ?? nothing)
  const isDisabled = run?.isRunning === true || !canRun
  return (
    <>
      <Group gap="xs">
        <Tooltip label="What is selected, or the statement at the cursor">
          <Button
            size="xs"
            leftSection={<IconPlayerPlay size={15} />}
            rightSection={
              <Kbd size="xs" visibleFrom="sm">
                {isMac ? '⌘ ↵' : 'Ctrl ↵'}
              </Kbd>
            }
            disabled={isDisabled}
            onClick={onRun}
          >
            Run
          </Button>
        </Tooltip>
        <Tooltip label={isMac ? '⌘ ⇧ ↵' : 'Ctrl Shift ↵'}>
          <Button size="xs" variant="default" disabled={isDisabled} onClick={onRunAll}>
            Run all
          </Button>
        </Tooltip>
        <Menu position="bottom-start" withinPortal>
          <Menu.Target>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconRoute size={15} />}
              rightSection={<IconChevronDown size={14} />}
              disabled={isDisabled}
            >
              Explain
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => onExplain(false)}>
              Explain: the plan, without running it
            </Menu.Item>
            <Menu.Item onClick={() => onExplain(true)}>
              Explain analyze: run it, take it back, with times
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
      <Group gap="sm">
        {props.children}
        <Switch
          size="xs"
          label="Read only"
          checked={isReadOnly || isPast}
          disabled={isPast}
          onChange={(event) => onReadOnly(event.currentTarget.checked)}
        />
      </Group>
    </>
  )
}

import { Group, Kbd, Modal, Text, TextInput } from '@mantine/core'
import { type Icon, IconFolder, IconGitBranch, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'

import { queries } from '../api/queries.ts'
import { paths } from '../paths.ts'
import { navigation, platformPages } from './navigation.ts'
import { rankMatches } from './rank-matches.ts'

import classes from './layout.module.css'

interface CommandPaletteProps {
  opened: boolean
  onClose: () => void
  projectId: string | undefined
}

interface Command {
  id: string
  label: string
  /** What sort of thing it is. */
  group: string
  icon: Icon
  to: string
}

const shownMax = 12

/** `Mod+K`: to any page, branch or project by typing a part of its name. */
export function CommandPalette({ opened, onClose, projectId }: CommandPaletteProps): ReactNode {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      size={560}
      yOffset="12vh"
      centered={false}
      attributes={{ content: { 'aria-label': 'Go to' } }}
    >
      {opened && <Palette onClose={onClose} projectId={projectId} />}
    </Modal>
  )
}

function Palette({ onClose, projectId }: Omit<CommandPaletteProps, 'opened'>): ReactNode {
  const [search, setSearch] = useState('')
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const field = useRef<HTMLInputElement>(null)
  // At once: what is typed while a modal takes its time would be lost.
  useEffect(() => field.current?.focus(), [])
  const commands = useCommands(projectId)
  const found = rankMatches(commands, search, ({ label }) => label).slice(0, shownMax)
  const go = (command: Command | undefined): void => {
    if (command === undefined) return
    onClose()
    void navigate(command.to)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0) {
      event.preventDefault()
      setAt((at + step + found.length) % Math.max(1, found.length))
    } else if (event.key === 'Enter') go(found[at])
  }
  return (
    <>
      <TextInput
        ref={field}
        aria-label="Go to a page, branch or project"
        role="combobox"
        aria-expanded
        aria-controls="palette"
        aria-activedescendant={found[at] && `palette-${at}`}
        placeholder="Go to a page, branch or project"
        size="lg"
        variant="unstyled"
        leftSection={<IconSearch size={18} />}
        value={search}
        onChange={(event) => {
          setSearch(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
        data-autofocus
        className={classes['paletteInput'] ?? ''}
      />
      <div id="palette" role="listbox" aria-label="Places" className={classes['palette']}>
        {found.map((command, index) => {
          const Glyph = command.icon
          return (
            <div
              key={command.id}
              id={`palette-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              className={classes['command']}
              onMouseMove={() => setAt(index)}
              onClick={() => go(command)}
              onKeyDown={onKeyDown}
            >
              <Group gap="sm" wrap="nowrap" miw={0}>
                <Glyph size={17} stroke={1.7} aria-hidden />
                <Text size="sm" truncate>
                  {command.label}
                </Text>
              </Group>
              <Text size="xs" c="var(--faint)">
                {command.group}
              </Text>
            </div>
          )
        })}
        {found.length === 0 && (
          <Text size="sm" c="var(--faint)" ta="center" py="lg" role="status">
            Nothing is called that.
          </Text>
        )}
      </div>
      <Group gap="md" px="md" py={8} className={classes['paletteFoot'] ?? ''}>
        <Text size="xs" c="var(--faint)">
          <Kbd size="xs">↑</Kbd> <Kbd size="xs">↓</Kbd> choose · <Kbd size="xs">Enter</Kbd> go ·{' '}
          <Kbd size="xs">Esc</Kbd> close
        </Text>
      </Group>
    </>
  )
}

function useCommands(projectId: string | undefined): Command[] {
  const projects = useQuery(queries.projects()).data ?? []
  const branches =
    useQuery({ ...queries.branches(projectId ?? ''), enabled: projectId !== undefined }).data ?? []
  const pages =
    projectId === undefined
      ? []
      : navigation.map(({ label, icon, to }) => ({
          id: `page ${label}`,
          label,
          group: 'Page',
          icon,
          to: to(projectId),
        }))
  return [
    ...pages,
    ...platformPages.map(({ label, icon, to }) => ({
      id: `platform ${label}`,
      label: to === paths.projects ? 'All projects' : label,
      group: 'Page',
      icon,
      to,
    })),
    ...branches.map(({ id, project_id, name }) => ({
      id,
      label: name,
      group: 'Branch',
      icon: IconGitBranch,
      to: paths.branch(project_id, id),
    })),
    ...projects.map(({ id, name }) => ({
      id,
      label: name,
      group: 'Project',
      icon: IconFolder,
      to: paths.project(id),
    })),
  ]
}

import { ActionIcon, AppShell, Burger, Button, Group, Kbd, Loader, Text } from '@mantine/core'
import { useDisclosure, useHotkeys, useOs } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect } from 'react'
import { Navigate, Outlet, useLocation, useNavigation, useParams } from 'react-router'

import { useLiveUpdates } from '../api/events.ts'
import { queries } from '../api/queries.ts'
import { paths } from '../paths.ts'
import { ErrorState } from '../ui/ErrorState.tsx'
import { RunningOperations } from '../ui/OperationList.tsx'
import { CommandPalette } from './CommandPalette.tsx'
import { ConnectionState, DisconnectedBanner } from './ConnectionState.tsx'
import { Crumbs } from './Crumbs.tsx'
import { Logo } from './Logo.tsx'
import { Sidebar } from './Sidebar.tsx'

import classes from './layout.module.css'

/** Lets in who is signed in, and shows the others where to sign in. */
export function AppLayout(): ReactNode {
  const session = useQuery(queries.session())
  const location = useLocation()
  if (session.error && session.data === undefined) {
    return <ErrorState error={session.error} onRetry={() => void session.refetch()} />
  }
  if (session.data === undefined) return <FullPageLoader />
  if (!session.data.signed_in) {
    const from = location.pathname + location.search
    return <Navigate to={paths.signIn} state={{ from }} replace />
  }
  return <Shell />
}

/** While it is not known what to show. */
export function FullPageLoader(): ReactNode {
  return (
    <div className={classes['fullPage']}>
      <Loader aria-label="Loading the console" />
    </div>
  )
}

/** Everything that is around a page. */
function Shell(): ReactNode {
  const { projectId } = useParams()
  const { pathname } = useLocation()
  const [isNavOpen, nav] = useDisclosure()
  const [isPaletteOpen, palette] = useDisclosure()
  const live = useLiveUpdates()
  const isLoading = useNavigation().state === 'loading'
  useHotkeys([['mod+K', palette.toggle]], [])
  // On a phone the navigation covers the page, so choosing one closes it.
  const { close: closeNav } = nav
  useEffect(closeNav, [pathname, closeNav])
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 240, breakpoint: 'sm', collapsed: { mobile: !isNavOpen } }}
      layout="alt"
    >
      <a href="#page" className="skip-link">
        Skip to the page
      </a>
      <AppShell.Header className={classes['header'] ?? ''}>
        <Group h="100%" px="md" gap="sm" wrap="nowrap" justify="space-between">
          <Group gap="sm" wrap="nowrap" miw={0}>
            <Burger
              opened={isNavOpen}
              onClick={nav.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Navigation"
            />
            <Crumbs />
          </Group>
          <Group gap="xs" wrap="nowrap">
            {isLoading && <Loader size={16} aria-label="Loading the page" />}
            {projectId !== undefined && <ProjectOperations projectId={projectId} />}
            <ConnectionState state={live} />
            <PaletteButton onClick={palette.open} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes['navbar'] ?? ''}>
        <Group h={56} px="md" justify="space-between" className={classes['navHead'] ?? ''}>
          <Logo />
          <Burger
            opened
            onClick={nav.close}
            hiddenFrom="sm"
            size="sm"
            aria-label="Close navigation"
          />
        </Group>
        <Sidebar projectId={projectId} />
      </AppShell.Navbar>
      <AppShell.Main>
        {live === 'disconnected' && <DisconnectedBanner />}
        <div id="page" className={classes['page']} tabIndex={-1}>
          <Outlet />
        </div>
      </AppShell.Main>
      <CommandPalette opened={isPaletteOpen} onClose={palette.close} projectId={projectId} />
    </AppShell>
  )
}

/** What goes on in the project, for as long as it does. */
function ProjectOperations({ projectId }: { projectId: string }): ReactNode {
  const operations = useQuery(queries.operations(projectId)).data ?? []
  return <RunningOperations operations={operations} />
}

function PaletteButton({ onClick }: { onClick: () => void }): ReactNode {
  const os = useOs()
  return (
    <>
      <Button
        visibleFrom="sm"
        variant="default"
        size="xs"
        leftSection={<IconSearch size={14} />}
        rightSection={<Kbd size="xs">{os === 'macos' ? '⌘ K' : 'Ctrl K'}</Kbd>}
        onClick={onClick}
      >
        <Text size="sm" c="var(--faint)" span>
          Go to…
        </Text>
      </Button>
      <ActionIcon hiddenFrom="sm" size="lg" aria-label="Go to…" onClick={onClick}>
        <IconSearch size={18} />
      </ActionIcon>
    </>
  )
}

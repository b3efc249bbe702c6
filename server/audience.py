"""Who is in a session, whose hands count, and what they suggest.
Knows peers; neither the worker nor how a peer is connected."""

from __future__ import annotations

import time
from typing import Any

from server.channels import event
from server.peers import Peer, PeerState
from server.roles import Role
from server.settings import LimitSettings
from server.suggestions import Suggestions

NOTICE_HOLDS_S = 60.0
RETURN_AFTER_S = 5.0  # the controls come back when who held them is away so long


class TooManyPeers(Exception):
    """The session, or one device in it, has as many connections as it may."""


class NotThere(Exception):
    """There is no such peer."""


class Audience:
    """The peers of one session. `holder` is the device that was handed the controls."""

    def __init__(self, limits: LimitSettings) -> None:
        self.peers: dict[str, Peer] = {}
        self.suggestions = Suggestions()
        self.holder: str | None = None
        self.idle_since = time.monotonic()
        self._limits = limits
        self._last_notice = ("", -NOTICE_HOLDS_S)
        self._holder_away_since: float | None = None

    def check_room(self, device_id: str) -> None:
        """Raises TooManyPeers if one more connection of the device is too many."""
        same = sum(peer.device_id == device_id for peer in self.peers.values())
        if len(self.peers) >= self._limits.peers_a_session or same >= self._limits.peers_a_device:
            raise TooManyPeers(f"{len(self.peers)} connections, {same} of them from here")

    def add(self, peer: Peer) -> None:
        """A new connection, which has not told anything yet."""
        self.peers[peer.id] = peer
        peer.role = self._role_of(peer)

    def joined(self, peer: Peer) -> None:
        """The peer can be told things."""
        self._tell_role(peer)
        self.broadcast("viewers", count=self.viewers)
        self.tell_people()
        if self.suggestions.listed() or self.suggestions.voting_s:
            peer.send(event("suggestions", list=self.suggestions.listed(), voting_s=self.suggestions.voting_s))

    def remove(self, peer: Peer) -> bool:
        """The peer is gone; whether it was there."""
        if self.peers.pop(peer.id, None) is None:
            return False
        if not self.peers:
            self.idle_since = time.monotonic()
        self.broadcast("viewers", count=self.viewers)
        self.tell_people()
        return True

    @property
    def connected(self) -> list[Peer]:
        """Those whose connection stands."""
        return [peer for peer in self.peers.values() if peer.state is PeerState.CONNECTED]

    @property
    def viewers(self) -> int:
        """Connected peers whose device does not drive; the owner's never count."""
        return sum(not peer.drives and not peer.access.owner for peer in self.connected)

    @property
    def driven(self) -> bool:
        """Whether somebody who may drive is connected."""
        return any(peer.drives for peer in self.connected)

    def idle_s(self, now: float) -> float:
        """For how long nobody has been connected."""
        return 0.0 if self.peers else now - self.idle_since

    def overdue(self, now: float) -> list[tuple[Peer, str]]:
        """The peers that have to go, and why."""
        going = []
        for peer in self.peers.values():
            if peer.access.expires_at < time.time():
                going.append((peer, "the share link has expired"))
            elif peer.state is PeerState.NEW and now - peer.born_at > self._limits.connect_timeout_s:
                going.append((peer, "no connection"))
            elif peer.state is PeerState.CONNECTED and now - peer.heard_at > self._limits.heartbeat_s:
                going.append((peer, "no heartbeat"))
        return going

    def broadcast(self, kind: str, /, **values: Any) -> None:
        """An event to everybody."""
        message = event(kind, **values)
        for peer in self.peers.values():
            peer.send(message)

    def broadcast_passing(self, kind: str, /, **values: Any) -> None:
        """What the next event of its kind replaces, to everybody who is not behind."""
        message = event(kind, **values)
        for peer in self.peers.values():
            peer.send_passing(message)

    def tell_drivers(self, kind: str, /, **values: Any) -> None:
        """An event to who drives."""
        for peer in self.peers.values():
            if peer.drives:
                peer.send(event(kind, **values))

    def tell_owner(self, kind: str, /, **values: Any) -> None:
        """An event to who started the session."""
        for peer in self.peers.values():
            if peer.access.owner:
                peer.send(event(kind, **values))

    def notice(self, kind: str, text: str, /, **values: Any) -> None:
        """Something that everybody may know; who joins within a minute is told too, by `remind`."""
        message = event("notice", kind=kind, text=text, **values)
        self._last_notice = (message, time.monotonic())
        for peer in self.peers.values():
            peer.send(message)

    def remind(self, peer: Peer) -> None:
        """Tell a new peer the last notice while it holds."""
        message, at = self._last_notice
        if time.monotonic() - at < NOTICE_HOLDS_S:
            peer.send(message)

    def tell_people(self) -> None:
        """Tell everybody who is here."""
        people = [{"id": peer.id, "role": peer.role.value, "owner": peer.access.owner} for peer in self.connected]
        holder = next((peer.id for peer in self.connected if peer.device_id == self.holder), None)
        self.broadcast("people", list=people, holder=holder)

    def tell_suggestions(self) -> None:
        """Tell everybody what is suggested."""
        self.broadcast("suggestions", list=self.suggestions.listed(), voting_s=self.suggestions.voting_s)

    # --- the controls ----------------------------------------------------------------------------

    def hand_over(self, peer_id: str) -> list[Peer]:
        """That peer's device alone drives; those who do not any more. Raises NotThere."""
        peer = self.peers.get(peer_id)
        if peer is None or peer.state is not PeerState.CONNECTED:
            raise NotThere("Nobody of that name is here.")
        return self._give(None if peer.access.owner else peer.device_id)

    def take_back(self) -> list[Peer]:
        """Links count as they were made; those who do not drive any more."""
        return self._give(None)

    def return_controls(self, now: float) -> list[Peer]:
        """Take the controls back from who has been away for too long; those who do not drive any more."""
        if self.holder is None or any(peer.device_id == self.holder for peer in self.peers.values()):
            self._holder_away_since = None
            return []
        self._holder_away_since = self._holder_away_since or now
        return self.take_back() if now - self._holder_away_since > RETURN_AFTER_S else []

    def _give(self, device_id: str | None) -> list[Peer]:
        if device_id == self.holder:
            return []
        self.holder = device_id
        stopped = []
        for peer in self.peers.values():
            before, peer.role = peer.role, self._role_of(peer)
            if peer.role is not before:
                self._tell_role(peer)
                if before is Role.DRIVER:
                    stopped.append(peer)
        self.broadcast("viewers", count=self.viewers)
        self.tell_people()
        return stopped

    def role_now(self, device_id: str, role: Role) -> Role:
        """What counts of a device's role while the controls may be in other hands."""
        if self.holder is None:
            return role
        if device_id == self.holder:
            return Role.DRIVER
        return Role.VIEWER if role is Role.DRIVER else role

    def _role_of(self, peer: Peer) -> Role:
        return self.role_now(peer.device_id, peer.access.role)

    def _tell_role(self, peer: Peer) -> None:
        peer.send(event("role", role=peer.role.value, owner=peer.access.owner, peer=peer.id))

"""``--policy``: which site policy is in force and what it says; for administrators."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from viewer.model_list import fault_of_model, model_faults
from viewer.paths import policy_files
from viewer.policy import Policy, Server, own_servers, site_policy


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser("policy", prog="hilum --policy", help="print what the site's policy says")
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Print the policy; 1 if it, a model it lists or the user's list of servers has errors."""
    policy = site_policy()
    own, own_faults = own_servers()
    faults = (*policy.faults, *model_faults(policy), *(f"servers.toml of this user: {fault}" for fault in own_faults))
    for line in (*_heading(policy), *_said(policy), *map(_server, own if policy.own_servers_allowed else ())):
        print(line)
    for fault in faults:
        print(f"ERROR: {fault}")
    if policy.faults:
        print("As long as the policy has an error, the network and the reading of refused films are off.")
    return 1 if faults else 0


def _heading(policy: Policy) -> Iterator[str]:
    if policy.file is None:
        yield "No site policy is in force. One would be read from the first of these there is a file at:"
        yield from (f"  {file}" for file in policy_files())
    else:
        yield f"In force: {policy.file}"


def _said(policy: Policy) -> Iterator[str]:
    yield f"Network: {'allowed' if policy.network_allowed else 'off'}"
    yield f"Reading a refused film with a reason: {'allowed' if policy.override_allowed else 'not allowed'}"
    yield f"Institution on reports: {policy.institution or 'none'}"
    yield f"Footer of reports: {policy.report_footer or 'none'}"
    for key in sorted({*policy.settings, *policy.locked}):
        value = policy.settings.get(key, "as the program has it")
        yield f"Setting {key}: {value}{' (locked)' if key in policy.locked else ''}"
    yield f"Films from servers are kept: {f'{policy.keep_days} days' if policy.keep_days else 'until the window closes'}"
    yield f"Servers of the user's own: {'allowed' if policy.own_servers_allowed else 'not allowed'}"
    yield from map(_server, policy.servers)
    for model in policy.models:
        yield f"Model {model.folder}: {'refused' if fault_of_model(model) else 'is the one that is listed'}"


def _server(server: Server) -> str:
    """Return a server without what opens it."""
    ways = (("token", server.token), ("token file", server.token_file), ("user and password", server.user))
    way = next((name for name, given in ways if given), "nothing")
    trusted = f", certificates {server.ca_file}" if server.ca_file else ""
    return f"Server {server.name}: {server.url}, let in by {way}{trusted}"

"""Who is who, as far as a caller sees it."""

from fastapi import APIRouter

from directory import Person
from directory.roles import PERMISSIONS
from service.api.access import Who
from service.api.shapes import Out

router = APIRouter(tags=["people"])


class PersonOut(Out):
    """A person; addresses stay inside."""

    id: str
    name: str
    roles: list[str]
    unit: str
    active: bool


class PeopleOut(Out):
    """People of the units that the caller sees."""

    items: list[PersonOut]


class MeOut(Out):
    """The caller: what is seen, and what may be done at the own unit."""

    person: PersonOut
    scopes: list[str]
    permissions: list[str]


class OrganisationOut(Out):
    """A node of the tree."""

    path: str
    name_zh: str
    name_en: str


class OrganisationsOut(Out):
    """The nodes that the caller sees."""

    items: list[OrganisationOut]


def _person(person: Person) -> PersonOut:
    return PersonOut(
        id=person.id,
        name=person.name,
        roles=[role.value for role in person.roles],
        unit=person.unit,
        active=person.active,
    )


@router.get("/me", summary="The caller")
def me(who: Who) -> MeOut:
    """The caller."""
    return MeOut(
        person=_person(who.person),
        scopes=list(who.directory.visible_scopes(who.person.id, who.at)),
        permissions=sorted(one for one in PERMISSIONS if who.person.unit and who.may(one)),
    )


@router.get("/people", summary="People of the units that the caller sees")
def people(who: Who) -> PeopleOut:
    """In the order of the directory."""
    who.check("view")
    return PeopleOut(items=[_person(one) for one in who.directory.people if who.sees(one.unit)])


@router.get("/organisations", summary="The organisations that the caller sees")
def organisations(who: Who) -> OrganisationsOut:
    """In the order of their paths."""
    who.check("view")
    seen = sorted(path for path in who.directory.nodes if who.sees(path))
    nodes = [who.directory.nodes[path] for path in seen]
    return OrganisationsOut(
        items=[
            OrganisationOut(path=node.path, name_zh=node.name_zh, name_en=node.name_en)
            for node in nodes
        ]
    )

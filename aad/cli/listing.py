"""A family of commands that lists where none of them is named. Knows none of them."""

import click

DEFAULT = "list"


class ListingGroup(click.Group):
    """Takes options that stand without a command for those of `list`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the command where the user did not."""
        if args and args[0] in ctx.help_option_names:
            # What follows may be options of `list`, and no command is there to take them.
            args = args[:1]
        elif not args or args[0].startswith("-"):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Describe the options of `list` here too, since they may stand here."""
        click.Command.format_options(self.commands[DEFAULT], ctx, formatter)
        self.format_commands(ctx, formatter)

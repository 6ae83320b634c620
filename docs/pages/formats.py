"""The page of label formats, from what each says of itself."""

from imgclf.data.label_format import label_formats


def page() -> str:
    """Return the page."""
    rows = [
        f"| `{one.name}` | {one.summary} | {one.made_with} | {one.reads} | {one.leaves_out} |"
        for one in label_formats()
    ]
    return "\n".join(
        [
            "# Label formats",
            "",
            "What `--data PATH` reads. The formats are asked in this order, and the first that recognises the path reads",
            "it; `--data NAME:PATH` asks for one by name. What was taken for image, label, split and group is said in one",
            "line by `imgclf train`, as a table by `imgclf eda`, and under `read_as` in its `summary.json`.",
            "",
            "| Name | What it is | Tried with | What is read | What is not |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "Your own: [Add a label format](../contributing/add-label-format.md).",
            "",
        ]
    )

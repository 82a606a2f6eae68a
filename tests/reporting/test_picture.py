import xml.etree.ElementTree as ElementTree

from regtune.reporting import picture


def test_the_picture_is_svg_without_foreign_fonts(run):
    svg = picture.record_svg(run)

    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "@font-face" not in svg
    assert "★&#160;best" in svg


def test_the_command_writes_the_file_it_is_told(run, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["picture", str(run.path), "-o", str(tmp_path / "table.svg")])

    picture.main()

    assert (tmp_path / "table.svg").read_text("utf-8").startswith("<svg")


def test_hostile_labels_do_not_break_the_picture(hostile_run):
    ElementTree.fromstring(picture.record_svg(hostile_run))

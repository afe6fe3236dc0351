"""What a report needs beside the other files of a run: gathered once from the data, kept as `report.json`."""

package front

func reset() { byTest = 2 }
